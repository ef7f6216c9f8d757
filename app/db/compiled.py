"""SQL text of SQLAlchemy Core statements, compiled once for each dialect and kept.

SQLAlchemy's execution layers cost a read two thirds of its speed (docs/decisions/0002-database.md), so statements are
built with SQLAlchemy and run on the drivers. Constants go into the text, because each value that is bound costs a
read time, and because a planner that knows them estimates better.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Protocol

from sqlalchemy import BindParameter, ClauseElement, Exists
from sqlalchemy.engine import Dialect

from fhir.store.statement import Statement

_WORD = re.compile(r"[A-Za-z_]{1,30}")
_MARK = re.compile(r"\?")
MOST_KEPT = 500
"""Statements that are kept compiled; beyond, it begins anew."""

LARGE = 6
"""Conditions from which on a statement is large: to build and compile it takes ten milliseconds, up to a third of a
second for a chain that may lead to any type."""

_SMALLEST = -(2**63)
"""No literal of PostgreSQL's bigint: a minus before a number that is too large."""


class _Positional(Protocol):
    """What a compiled statement with positional binds has."""

    positiontup: list[str] | None
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement's text and how its positional values are taken from named ones."""

    text: str
    values: Callable[[Mapping[str, Any]], tuple[Any, ...]]


def _is_constant(bind: BindParameter[Any]) -> bool:
    """Return whether a bind's value was known when the statement was built and is safe and exact as text."""
    value = bind.value
    if type(value) is int:
        return _SMALLEST < value < -_SMALLEST
    return type(value) is str and _WORD.fullmatch(value) is not None


def _inline_constants(dialect: Dialect) -> None:
    """Let `dialect` write constants into the text of its statements, and no parenthesis that says nothing."""
    compiler: Any = dialect.statement_compiler

    class WithConstants(compiler):  # type: ignore[misc]
        def visit_bindparam(self, bindparam: BindParameter[Any], **options: Any) -> Any:
            if _is_constant(bindparam):
                options["literal_binds"] = True
            return super().visit_bindparam(bindparam, **options)

        def visit_grouping(self, grouping: Any, asgrouping: bool = True, **options: Any) -> Any:
            # EXISTS stands for itself wherever it is; each parenthesis counts, for SQLite's parser has a low ceiling.
            if isinstance(grouping.element, Exists):
                return self.process(grouping.element, **options)
            return super().visit_grouping(grouping, asgrouping=asgrouping, **options)

    dialect.statement_compiler = WithConstants


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


def _numbered(text: str, names: list[str]) -> tuple[str, list[str]]:
    """Return a statement of `?` in which each name is one bind, `?1`, however often it is used; and the names.

    Our statements have no other question marks: literals in them are words and numbers.
    """
    distinct = list(dict.fromkeys(names))
    numbers = iter([distinct.index(name) + 1 for name in names])
    return _MARK.sub(lambda _: f"?{next(numbers)}", text), distinct


class Compiler:
    """Compiles statements for one dialect and keeps the result: with a `Statement`, or by a tree's identity.

    Trees are module constants, so what is kept here is bounded; a kept one is held, so that its identity is not used
    again.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._making = asyncio.Lock()
        self._kept: dict[int, tuple[ClauseElement, Compiled]] = {}
        _inline_constants(dialect)

    def __call__(self, statement: ClauseElement | Statement) -> Compiled:
        """Return the compiled form of `statement`."""
        if isinstance(statement, Statement):
            return self._by_text(statement)
        kept = self._kept.get(id(statement))
        if kept is not None:
            return kept[1]
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        made = self._compile(statement)
        self._kept[id(statement)] = (statement, made)
        return made

    def at_once(self, statement: ClauseElement | Statement) -> Compiled | None:
        """Return the compiled form of `statement`; None for a large one that is not compiled yet: see `aside`."""
        if not isinstance(statement, Statement):
            return self(statement)
        if statement.size >= LARGE and self._dialect.name not in statement.compiled:
            return None
        return self._by_text(statement)

    async def aside(self, statement: ClauseElement | Statement) -> Compiled:
        """Return the compiled form of a large statement, made in a thread, so that other requests go on meanwhile."""
        # One at a time: those who wait for the same find it made.
        async with self._making:
            made = self.at_once(statement)
            return await asyncio.to_thread(self, statement) if made is None else made

    def _by_text(self, statement: Statement) -> Compiled:
        """Return the compiled form of a statement that keeps it itself."""
        made: Compiled | None = statement.compiled.get(self._dialect.name)
        if made is None:
            made = statement.compiled[self._dialect.name] = self._compile(statement.tree())
        return made

    def _compile(self, statement: ClauseElement) -> Compiled:
        compiled: Any = statement.compile(dialect=self._dialect)
        positional: _Positional = compiled
        text, names = str(compiled), list(positional.positiontup or ())
        if self._dialect.paramstyle == "qmark":
            text, names = _numbered(text, names)
        fixed = {name: value for name, value in compiled.params.items() if name in names and value is not None}
        return Compiled(text, _values(names, fixed))
