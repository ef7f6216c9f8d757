"""The yardsticks: the least that could answer or store the same, on the same machine, in the same run.

This file is fixed: a change here makes earlier ratios incomparable, so it takes a line in CHANGELOG.md.
The bare applications run under the same uvicorn (uvloop, httptools) with the same flags as the hub.
"""

import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Bodies = Sequence[bytes]
IndexRows = Sequence[tuple[int, int, int]]
"""(parameter, a 64-bit hash or number, row)."""

POOL_CONNECTIONS = 8
"""As many as a process of the hub holds by default."""

STREAM_BYTES = 65_536
"""What a bare stream sends at once: about what 64 resources take."""

_ROW = "SELECT body FROM yardstick WHERE address = $1"


async def _answer(body: bytes, send: Send) -> None:
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class SameBytes:
    """A bare ASGI application that answers every request with the bytes of one file."""

    def __init__(self) -> None:
        self._body = Path(os.environ["YARDSTICK_BODY"]).read_bytes()

    async def __call__(self, scope: Mapping[str, Any], _: Any, send: Send) -> None:
        """Answer, or do nothing at start and stop."""
        if scope["type"] == "http":
            await _answer(self._body, send)


class SameStream:
    """A bare ASGI application that answers every request with a stream of the bytes of one file."""

    def __init__(self) -> None:
        body = Path(os.environ["YARDSTICK_BODY"]).read_bytes()
        self._parts = [body[start : start + STREAM_BYTES] for start in range(0, len(body), STREAM_BYTES)]

    async def __call__(self, scope: Mapping[str, Any], _: Any, send: Send) -> None:
        """Answer, or do nothing at start and stop."""
        if scope["type"] == "http":
            headers = [(b"content-type", b"application/fhir+json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            for part in self._parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


class SameRow:
    """A bare ASGI application that answers with one row of PostgreSQL, found by its primary key."""

    def __init__(self) -> None:
        self._pool: Any = None

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Send) -> None:
        """Answer; open the pool at start."""
        if scope["type"] == "lifespan":
            await receive()
            self._pool = await asyncpg.create_pool(
                os.environ["YARDSTICK_DATABASE"],
                min_size=1,
                max_size=POOL_CONNECTIONS,
                server_settings={"jit": "off"},
            )
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        address = scope["path"]
        if scope["query_string"]:
            address += "?" + scope["query_string"].decode()
        row = await self._pool.fetchrow(_ROW, address)
        await _answer(row[0], send)


async def fill_rows(address: str, bodies: Mapping[str, bytes]) -> None:
    """Make the table that `SameRow` reads: from each request's address to the bytes of its answer."""
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("DROP TABLE IF EXISTS yardstick")
        await connection.execute("CREATE TABLE yardstick (address text PRIMARY KEY, body bytea NOT NULL)")
        await connection.copy_records_to_table("yardstick", records=list(bodies.items()))
        await connection.execute("VACUUM ANALYZE yardstick")
    finally:
        await connection.close()


class BareSqlite:
    """SQLite with two tables and no hub: bodies by row, and an index of integers."""

    def __init__(self, path: Path) -> None:
        self._raw = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            self._raw.execute(f"PRAGMA {pragma}").fetchall()
        self._raw.execute("CREATE TABLE body (row INTEGER PRIMARY KEY, body BLOB NOT NULL)")
        self._raw.execute(
            "CREATE TABLE ix (parameter INTEGER, value INTEGER, row INTEGER,"
            " PRIMARY KEY (parameter, value, row)) WITHOUT ROWID"
        )
        self._row = 0

    def insert(self, bodies: Bodies, index: IndexRows) -> None:
        """Insert one batch in one transaction, flushed to the disk."""
        first, self._row = self._row, self._row + len(bodies)
        self._raw.execute("BEGIN IMMEDIATE")
        self._raw.executemany("INSERT INTO body VALUES (?, ?)", list(enumerate(bodies, first)))
        self._raw.executemany("INSERT INTO ix VALUES (?, ?, ?)", index)
        self._raw.execute("COMMIT")


class BarePostgresql:
    """PostgreSQL with the same two tables, filled by COPY."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._row = 0

    async def begin(self) -> None:
        """Make the tables."""
        await self._connection.execute("CREATE TABLE bare_body (row bigint PRIMARY KEY, body bytea NOT NULL)")
        await self._connection.execute(
            "CREATE TABLE bare_ix (parameter int, value bigint, row bigint, PRIMARY KEY (parameter, value, row))"
        )

    async def insert(self, bodies: Bodies, index: IndexRows) -> None:
        """Insert one batch in one transaction, flushed to the disk."""
        first, self._row = self._row, self._row + len(bodies)
        async with self._connection.transaction():
            await self._connection.copy_records_to_table("bare_body", records=list(enumerate(bodies, first)))
            await self._connection.copy_records_to_table("bare_ix", records=index)
