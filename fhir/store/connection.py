"""What the store asks of a database connection and of a visibility; `app` gives both."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import ClauseElement, ColumnElement, FromClause, Table

from fhir.store.statement import Statement
from fhir.store.versions import Versions

Row = Sequence[Any]


class Connection(Protocol):
    """A database connection. Statements are SQLAlchemy Core expressions, built once, with named binds.

    Whoever opened the connection decides when a transaction begins and ends; the store never commits.
    """

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


class WriteConnection(Connection, Protocol):
    """A connection inside a write transaction."""

    async def lock(self, key: int) -> None:
        """Wait until no other transaction holds `key`, and hold it until this one ends."""
        ...

    async def lock_all(self, keys: Sequence[int]) -> None:
        """Do the same with several keys at once, in their order: all who lock some of them do so in one order."""
        ...

    async def keep_out(self, table: Table) -> None:
        """Wait until no other transaction has written `table`, and let none write it until this one ends."""
        ...


class Visibility(Protocol):
    """What a caller may see: a function from a table alias to an SQL condition.

    The alias has the columns `patient_key`, `custodian`, `author`, `category`, `labels` and `clinical_date`.
    """

    @property
    def shape(self) -> Hashable:
        """Two visibilities of one shape give the same SQL and differ in `values` alone."""
        ...

    @property
    def values(self) -> Mapping[str, Any]:
        """The values of the binds that `condition` uses."""
        ...

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a row of `alias` exists for the caller."""
        ...
