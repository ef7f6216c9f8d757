"""A hub that acknowledges before it commits: the negative control of the crash proof.

Requests share one transaction of the database, which is committed now and then; readers see what is not committed yet,
so that nobody notices until the hub is killed. Run it with `python -m tests.e2e.careless`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from app import lifecycle
from app.db import Database
from app.db.postgresql import PostgresqlDatabase
from app.db.sqlite import SqliteDatabase
from app.main import create_app as create_careful_app
from app.settings import Settings, settings

COMMITS_SECONDS = 30
"""How long what was acknowledged is in memory only."""


class LateSqlite(SqliteDatabase):
    """One connection for readers and writers, in a transaction that is always open."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.sqlite_path)
        self.reader = self._writer
        self._task = asyncio.create_task(self._commit_now_and_then())

    async def _commit_now_and_then(self) -> None:
        while True:
            async with self._turn:
                await self._begin()
            await asyncio.sleep(COMMITS_SECONDS)
            async with self._turn:
                self._end()

    @asynccontextmanager
    async def write(self, *, sharing: int | None = None) -> AsyncIterator[Any]:  # noqa: ARG002 - one writes at a time
        async with self._turn:
            if not self._writer.raw.in_transaction:
                await self._begin()
            self._writer.raw.execute("SAVEPOINT request")
            try:
                yield self._writer
            except BaseException:
                self._writer.raw.execute("ROLLBACK TO request")
                raise
            finally:
                self._writer.raw.execute("RELEASE request")


class _OneAtATime:
    """An asyncpg connection whose statements wait for each other."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._lock = asyncio.Lock()

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any, **named: Any) -> Any:
            async with self._lock:
                return await getattr(self._raw, name)(*arguments, **named)

        return call


class LatePostgresql(PostgresqlDatabase):
    """The same on one connection of the pool; a request is a savepoint."""

    def __init__(self, pool: Any, readers: Any, raw: Any) -> None:
        super().__init__(pool, readers)
        self._one = _OneAtATime(raw)
        self._turn = asyncio.Lock()
        self.reader = type(self.reader)(self._one, self._compiler)
        self._task = asyncio.create_task(self._commit_now_and_then())

    async def _commit_now_and_then(self) -> None:
        await self._one.execute("BEGIN")
        while True:
            await asyncio.sleep(COMMITS_SECONDS)
            async with self._turn:
                await self._one.execute("COMMIT; BEGIN")

    @asynccontextmanager
    async def write(self, *, sharing: int | None = None) -> AsyncIterator[Any]:  # noqa: ARG002 - one writes at a time
        async with self._turn:
            await self._one.execute("SAVEPOINT request")
            try:
                yield self.reader
            except BaseException:
                await self._one.execute("ROLLBACK TO request")
                raise
            finally:
                await self._one.execute("RELEASE request")


async def _open_late(chosen: Settings) -> Database:
    if not chosen.is_postgresql:
        return LateSqlite(chosen)
    careful = await _open_database(chosen)
    assert isinstance(careful, PostgresqlDatabase)
    return LatePostgresql(careful._pool, careful._readers, await careful._pool.acquire())


_open_database: Callable[..., Any] = lifecycle.open_database


def create_app() -> FastAPI:
    """Return the hub on a database that is late."""
    lifecycle.open_database = _open_late  # type: ignore[assignment]
    return create_careful_app()


if __name__ == "__main__":
    uvicorn.run(create_app(), host="127.0.0.1", port=settings().port, access_log=False, log_level="warning")
