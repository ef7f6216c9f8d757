"""What the store asks of its caller: a connection in a transaction, and what may be seen through it."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, FromClause
from sqlalchemy.sql import ClauseElement


class Connection(Protocol):
    """A database connection; statements carry named binds, values are plain integers, texts and bytes."""

    async def fetch(self, statement: ClauseElement, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return the rows of a query."""
        ...

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        """Run a statement and return how many rows it touched."""
        ...

    async def execute_many(self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each mapping."""
        ...


class Visibility(Protocol):
    """What the caller may see, as a condition on any table that carries the fixed columns."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Values of the named binds that `condition` uses."""
        ...

    @property
    def shape(self) -> Hashable:
        """Two visibilities of one shape give the same SQL."""
        ...

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a row of `alias` may be seen."""
        ...
