"""SQL text of SQLAlchemy Core statements, compiled once for each dialect and kept.

SQLAlchemy's execution layers cost a read two thirds of its speed (docs/decisions/0002-database.md), so statements are
built with SQLAlchemy and run on the drivers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import ClauseElement
from sqlalchemy.engine import Dialect


class _Positional(Protocol):
    """What a compiled statement with positional binds has."""

    positiontup: list[str] | None
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement's text and how its positional values are taken from named ones."""

    text: str
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]


def _values(names: list[str], fixed: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return a function from named values to a tuple in the order of `names`."""
    if not names:
        return lambda _: ()
    if fixed:
        return lambda values: tuple([values[name] if name in values else fixed[name] for name in names])
    if len(names) == 1:
        name = names[0]
        return lambda values: (values[name],)
    return itemgetter(*names)


class Compiler:
    """Compiles statements for one dialect and keeps the result by the statement's identity.

    Statements are module constants or come from bounded caches, so what is kept here is bounded too; a kept
    statement is held, so that its identity is not used again.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: dict[int, tuple[ClauseElement, Compiled]] = {}

    def __call__(self, statement: ClauseElement) -> Compiled:
        """Return the compiled form of `statement`."""
        kept = self._kept.get(id(statement))
        if kept is not None:
            return kept[1]
        if len(self._kept) > 10_000:
            self._kept.clear()
        made = self._compile(statement)
        self._kept[id(statement)] = (statement, made)
        return made

    def _compile(self, statement: ClauseElement) -> Compiled:
        compiled: Any = statement.compile(dialect=self._dialect)
        positional: _Positional = compiled
        names = list(positional.positiontup or ())
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        return Compiled(str(compiled), _values(names, fixed))
