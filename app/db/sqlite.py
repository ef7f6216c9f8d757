"""SQLite: reads in the event loop, one writer at a time, commits flushed in a thread.

A read by key takes microseconds from the page cache, less than a hop to a thread; a commit waits for the disk.
https://www.sqlite.org/wal.html
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import ClauseElement, Table
from sqlalchemy.dialects import sqlite

from app.db.compiled import Compiler
from app.db.database import DatabaseUnavailable
from fhir.search.values import Numbers
from fhir.store.connection import Row
from fhir.store.statement import Statement
from fhir.store.versions import Versions

LOCK_WAIT_SECONDS = 10.0
"""How long a transaction waits for the writer of another process."""

CHECKPOINT_PAGES = 8_000
"""Pages (32 MB) of the log after which it is copied into the file. A page that changes often, as those of indexes do,
is copied once for all its changes; a commit is as durable as before, since the log is flushed with each."""

MANY_ROWS = 2_000
"""From so many rows on, an insert runs in the thread, so that it does not hold up the event loop."""

sqlite3.register_adapter(Numbers, lambda numbers: f"[{','.join(map(str, numbers))}]")

logger = logging.getLogger(__name__)

_UNAVAILABLE = frozenset(
    (
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL),
        # A page that the disk did not give is told so too.
        *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB),
    )
)
"""The result codes that say: not now. Others are faults of ours. https://www.sqlite.org/rescode.html"""

_NOT_FLUSHED = frozenset((sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC))
"""After these nobody knows what is on the disk; after a failed write (a full disk) everybody does."""

NOT_FLUSHED_CODE = 70
"""The exit code of a process whose database could not be flushed."""


def _is_unavailable(error: BaseException) -> bool:
    """Return whether a failure is the database's, not a fault of ours."""
    # What the driver itself refuses has no code of the database's.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return isinstance(error, sqlite3.DatabaseError) and code & 0xFF in _UNAVAILABLE


async def _ended(work: asyncio.Future[Any]) -> None:
    """Wait for what a thread does, to its end also when the request is cancelled.

    Otherwise a rollback would fall between two of its statements, and those after it would stand alone.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # read here: whoever cancelled does not want to know
        raise cancelled
    work.result()


@lru_cache(maxsize=256)
def _insert_text(table: Table) -> str:
    """Return the INSERT of every column of `table`."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - names come from our own tables


class _Connection:
    """One sqlite3 connection behind the hub's interface."""

    def __init__(self, raw: sqlite3.Connection, compiler: Compiler, thread: ThreadPoolExecutor) -> None:
        self.raw = raw
        self.versions: Versions | None = None
        self._compiler = compiler
        self._thread = thread

    async def fetch(self, statement: ClauseElement | Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        compiled = self._compiler.at_once(statement) or await self._compiler.aside(statement)
        try:
            return self.raw.execute(compiled.text, compiled.values(values)).fetchall()
        except sqlite3.DatabaseError as error:
            if _is_unavailable(error):
                raise DatabaseUnavailable(str(error)) from error
            raise

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        compiled = self._compiler(statement)
        return self.raw.execute(compiled.text, compiled.values(values)).rowcount

    async def execute_many(self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
        compiled = self._compiler(statement)
        await self._run_many(compiled.text, [compiled.values(row) for row in rows])

    async def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._run_many(_insert_text(table), rows)

    async def insert_missing(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._run_many(f"{_insert_text(table)} ON CONFLICT DO NOTHING", rows)

    async def lock(self, key: int) -> None:
        """Do nothing: the only writer holds everything."""

    async def lock_all(self, keys: Sequence[int]) -> None:
        """Do nothing: the only writer holds everything."""

    async def keep_out(self, table: Table) -> None:
        """Do nothing: nobody else writes."""

    async def _run_many(self, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) < MANY_ROWS:
            self.raw.executemany(text, rows)
        else:
            await _ended(asyncio.get_running_loop().run_in_executor(self._thread, self.raw.executemany, text, rows))


def _connect(path: Path) -> sqlite3.Connection:
    raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=1_000)
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=5000",
        "cache_size=-65536",
        # Not mapped: a reader would unmap the file after every commit of the writer, and fault its pages in again.
        "mmap_size=0",
        "temp_store=MEMORY",
        f"wal_autocheckpoint={CHECKPOINT_PAGES}",
    ):
        raw.execute(f"PRAGMA {pragma}").fetchall()
    return raw


class SqliteDatabase:
    """An SQLite file. Writers of one process take turns; those of other processes are waited for."""

    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._compiler = Compiler(sqlite.dialect(paramstyle="qmark"))
        self._thread = ThreadPoolExecutor(1, "sqlite")
        self._turn = asyncio.Lock()
        self.reader = _Connection(_connect(path), self._compiler, self._thread)
        self.reader.versions = Versions()
        self._writer = _Connection(_connect(path), self._compiler, self._thread)
        self._writer.raw.execute("PRAGMA busy_timeout=0")

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[_Connection]:
        """Open a connection of its own inside a read transaction."""
        try:
            raw = _connect(self.path)
        except sqlite3.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        try:
            raw.execute("BEGIN")
            raw.execute("SELECT 1 FROM sqlite_master").fetchone()  # the snapshot is taken by the first read
            yield _Connection(raw, self._compiler, self._thread)
        finally:
            raw.close()

    @asynccontextmanager
    async def write(self, *, sharing: int | None = None) -> AsyncIterator[_Connection]:  # noqa: ARG002 - as `lock`
        """Open the write transaction."""
        async with self._turn:
            await self._begin()
            try:
                yield self._writer
            except BaseException as error:
                if self._writer.raw.in_transaction:
                    self._writer.raw.execute("ROLLBACK")
                if _is_unavailable(error):
                    raise DatabaseUnavailable(str(error)) from error
                raise
            await self._commit()

    async def _begin(self) -> None:
        deadline = asyncio.get_running_loop().time() + LOCK_WAIT_SECONDS
        while True:
            try:
                self._writer.raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or asyncio.get_running_loop().time() > deadline:
                    raise DatabaseUnavailable(str(error)) from error
                await asyncio.sleep(0.002)
            else:
                return

    async def _commit(self) -> None:
        await _ended(asyncio.get_running_loop().run_in_executor(self._thread, self._end))

    def _end(self) -> None:
        """Commit; or, when that is not possible, roll back."""
        raw = self._writer.raw
        try:
            raw.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) in _NOT_FLUSHED:
                # After a failed flush the page cache cannot be trusted; only recovery from the log can.
                logger.critical("The database could not be flushed; this process ends: %s", error)
                os._exit(NOT_FLUSHED_CODE)
            if raw.in_transaction:
                raw.execute("ROLLBACK")
            raise DatabaseUnavailable(str(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        self._thread.shutdown()
        self.reader.raw.close()
        self._writer.raw.close()


def open_sqlite(path: Path) -> SqliteDatabase:
    """Open the file at `path`, made when it is missing.

    Raises:
        DatabaseUnavailable: it cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return SqliteDatabase(path)
    except (sqlite3.Error, OSError) as error:
        raise DatabaseUnavailable(f"{path}: {error}") from error
