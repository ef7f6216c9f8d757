"""Statements built once for each shape: the caller compiles SQL text once for each statement object."""

from collections.abc import Callable, Hashable

from sqlalchemy import Select

MAX_STATEMENTS = 512
"""Shapes are few; whoever makes up more only loses speed."""

_statements: dict[Hashable, Select[*tuple[object, ...]]] = {}


def statement(key: Hashable, build: Callable[[], Select[*tuple[object, ...]]]) -> Select[*tuple[object, ...]]:
    """Return the statement of a shape, built on first use.

    Args:
        key: All that decides the SQL: which statement, the query's forms, the visibility's shape.
        build: Makes it.
    """
    found = _statements.get(key)
    if found is None:
        if len(_statements) >= MAX_STATEMENTS:
            _statements.clear()
        found = _statements[key] = build()
    return found
