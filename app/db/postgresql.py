"""PostgreSQL by asyncpg: a pool, prepared statements, COPY for many rows.

https://magicstack.github.io/asyncpg/current/api/index.html
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Literal

import asyncpg
from sqlalchemy import ClauseElement, Table
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from app.db.compiled import Compiler
from app.db.database import DatabaseUnavailable
from fhir.store.connection import Row
from fhir.store.statement import Statement
from fhir.store.versions import Versions

CLOSE_SECONDS = 5.0
"""How long a connection may be busy when the hub ends."""

COPY_ROWS = 50
"""From so many rows on, COPY is faster than a prepared INSERT."""

_UNAVAILABLE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    # A disk that fails, or a page that it did not give.
    asyncpg.PostgresSystemError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
    asyncpg.TransactionRollbackError,
    # What the driver says of a connection that broke in the middle of what it sent.
    asyncpg.InternalClientError,
)
"""The server is away or full, or ended a transaction for another's sake (a deadlock): try again."""


_SESSION = {
    "application_name": "renkei",
    "jit": "off",
    # Statements are written in the order in which they should run, whatever the values; to plan one takes longer than
    # to run it.
    "plan_cache_mode": "force_generic_plan",
    # A page that is not next costs no more than the next on a solid disk or in memory.
    "random_page_cost": "1.1",
}
"""The settings of our sessions."""


async def _keep(_: Any) -> None:
    """Leave a connection as it is when it goes back: nothing here changes its session beyond a transaction.

    asyncpg's own reset is a round trip after every read, and a read is one round trip.
    """


@lru_cache(maxsize=256)
def _insert_text(table: Table) -> str:
    """Return the INSERT of every column of `table`."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    marks = ", ".join(f"${number}" for number in range(1, len(table.columns) + 1))
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})'  # noqa: S608 - names come from our own tables


_DIALECT = asyncpg_dialect.dialect()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=256)
def _insert_missing_text(table: Table) -> str:
    """Return the INSERT of rows, given as an array for each column, that leaves alone those that are there."""
    # A collation is a column's, and no part of a type that an array can have.
    types = [column.type.compile(_DIALECT).partition(" COLLATE ")[0] for column in table.columns]
    arrays = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, 1))
    return f'INSERT INTO "{table.name}" SELECT * FROM unnest({arrays}) ON CONFLICT DO NOTHING'  # noqa: S608 - as above


class _Connection:
    """A pooled or a held connection behind the hub's interface."""

    def __init__(self, raw: Any, compiler: Compiler) -> None:
        self.raw = raw
        self.versions: Versions | None = None
        self._compiler = compiler

    async def fetch(self, statement: ClauseElement | Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        compiled = self._compiler.at_once(statement) or await self._compiler.aside(statement)
        rows: Sequence[Row] = await self.raw.fetch(compiled.text, *compiled.values(values))
        return rows

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        compiled = self._compiler(statement)
        status: str = await self.raw.execute(compiled.text, *compiled.values(values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def execute_many(self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
        compiled = self._compiler(statement)
        await self.raw.executemany(compiled.text, [compiled.values(row) for row in rows])

    async def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) >= COPY_ROWS:
            columns = [column.name for column in table.columns]
            await self.raw.copy_records_to_table(table.name, records=rows, columns=columns)
        else:
            await self.raw.executemany(_insert_text(table), rows)

    async def insert_missing(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self.raw.execute(_insert_missing_text(table), *map(list, zip(*rows, strict=True)))

    async def lock(self, key: int) -> None:
        await self.raw.execute("SELECT pg_advisory_xact_lock($1)", key)

    async def lock_all(self, keys: Sequence[int]) -> None:
        await self.raw.execute("SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", list(keys))

    async def keep_out(self, table: Table) -> None:
        await self.raw.execute(f'LOCK TABLE "{table.name}" IN SHARE ROW EXCLUSIVE MODE')


class _Reader(_Connection):
    """The pool as a connection: each read takes one, for its one statement."""

    async def fetch(self, statement: ClauseElement | Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        try:
            return await super().fetch(statement, values)
        except _UNAVAILABLE as error:
            raise DatabaseUnavailable(str(error)) from error


@asynccontextmanager
async def _transaction(raw: Any, sharing: int | None) -> AsyncIterator[None]:
    """Run a transaction that may share a lock, taken in the round trip that begins it."""
    if sharing is None:
        async with raw.transaction():
            yield
        return
    try:
        await raw.execute(f"BEGIN; SELECT pg_advisory_xact_lock_shared({sharing:d})")
        yield
    except BaseException:
        # As asyncpg's own: a connection that is broken needs no rollback, and the pool makes sure of all others.
        if not raw.is_closed():
            await raw.execute("ROLLBACK")
        raise
    await raw.execute("COMMIT")


class PostgresqlDatabase:
    """A PostgreSQL database.

    A transaction may read beside itself, so reads of one statement have a pool of their own: with a common one, as many
    transactions as there are connections would wait for each other for ever.

    Args:
        pool: Connections for transactions and snapshots.
        readers: Connections for reads of one statement.
    """

    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, pool: Any, readers: Any) -> None:
        self._pool = pool
        self._readers = readers
        self._compiler = Compiler(asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]
        self.reader = _Reader(readers, self._compiler)
        self.reader.versions = Versions()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[_Connection]:
        """Hold a connection inside a repeatable-read transaction."""
        try:
            async with (
                self._pool.acquire() as raw,
                raw.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield _Connection(raw, self._compiler)
        except _UNAVAILABLE as error:
            raise DatabaseUnavailable(str(error)) from error

    @asynccontextmanager
    async def write(self, *, sharing: int | None = None) -> AsyncIterator[_Connection]:
        """Hold a connection inside a transaction."""
        try:
            async with self._pool.acquire() as raw, _transaction(raw, sharing):
                yield _Connection(raw, self._compiler)
        except _UNAVAILABLE as error:
            raise DatabaseUnavailable(str(error)) from error

    async def close(self) -> None:
        """Close the pools; a connection that is still busy after a while is ended."""
        for pool in (self._pool, self._readers):
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()


async def _open_pool(address: str, connections: int) -> Any:
    return await asyncpg.create_pool(
        address,
        min_size=1,
        max_size=connections,
        statement_cache_size=1_000,
        max_cacheable_statement_size=0,
        reset=_keep,
        server_settings=_SESSION,
    )


async def open_postgresql(address: str, connections: int) -> PostgresqlDatabase:
    """Open at most `connections` to `address`, of which half are for reads of one statement, but one of each at least.

    Raises:
        DatabaseUnavailable: the server does not answer or refuses.
    """
    try:
        pool = await _open_pool(address, max(1, connections - connections // 2))
        readers = await _open_pool(address, max(1, connections // 2))
    except (*_UNAVAILABLE, asyncpg.PostgresError) as error:
        raise DatabaseUnavailable(str(error)) from error
    return PostgresqlDatabase(pool, readers)
