"""What the hub asks of a database, and the choice of one."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol

from sqlalchemy import ClauseElement, Table

from app.settings import Settings
from fhir.store.connection import Row
from fhir.store.statement import Statement
from fhir.store.versions import Versions


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is locked too long, or its disk is full."""


class DatabaseConnection(Protocol):
    """A connection; the store's `Connection` and the DICOM store's are parts of it."""

    @property
    def versions(self) -> Versions | None:
        """Versions read lately; none where what is read may not be committed yet."""
        ...

    async def fetch(self, statement: ClauseElement | Statement, values: Mapping[str, Any]) -> Sequence[Row]:
        """Return the rows that `statement` selects or returns."""
        ...

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        """Run `statement` and return how many rows it touched."""
        ...

    async def execute_many(self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run `statement` once for each of `rows`."""
        ...

    async def insert(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert `rows`, each a tuple in the order of the table's columns."""
        ...

    async def insert_missing(self, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert those of `rows` of whose primary keys none is there yet."""
        ...


class WriteConnection(DatabaseConnection, Protocol):
    """A connection inside a write transaction."""

    async def lock(self, key: int) -> None:
        """Wait until no other transaction holds `key`, and hold it until this one ends."""
        ...

    async def keep_out(self, table: Table) -> None:
        """Wait until no other transaction has written `table`, and let none write it until this one ends."""
        ...


class Database(Protocol):
    """A database that is open."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which engine it is."""
        ...

    @property
    def reader(self) -> DatabaseConnection:
        """A connection for reads of one statement each; a read sees what is committed when it begins."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[DatabaseConnection]:
        """Open a connection on which all reads see the database at one instant."""
        ...

    def write(self, *, sharing: int | None = None) -> AbstractAsyncContextManager[WriteConnection]:
        """Open a transaction: committed, durably, when the block ends; rolled back when it raises.

        Args:
            sharing: A key that the transaction holds together with others, from before its first statement:
                whoever locks it then waits for all of them.

        Raises:
            DatabaseUnavailable: the transaction cannot begin or commit.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


async def open_database(settings: Settings) -> Database:
    """Open the database that `settings` names; its tables are the migrations' business.

    Raises:
        DatabaseUnavailable: it does not answer.
    """
    if settings.is_postgresql:
        from app.db.postgresql import open_postgresql

        return await open_postgresql(settings.database, settings.database_connections)
    from app.db.sqlite import open_sqlite

    return open_sqlite(settings.sqlite_path)
