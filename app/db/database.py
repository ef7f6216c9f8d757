"""What the hub asks of a database, and the choice of one."""

from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from app.settings import Settings

# What the stores ask of a connection is all that anybody asks of one; that of the DICOM store asks less.
from fhir.store.connection import Connection as DatabaseConnection
from fhir.store.connection import WriteConnection

__all__ = ["Database", "DatabaseConnection", "DatabaseUnavailable", "WriteConnection", "open_database"]


class DatabaseUnavailable(Exception):
    """The database cannot be reached, is locked too long, or its disk is full."""


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
