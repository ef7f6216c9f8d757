"""Joins that run in the order in which they are written: a patient's few rows first, the rest by key.

Both planners estimate by averages, and a code that every diabetic has is no average: left to themselves they read
every HbA1c of the region to find those of one patient. https://www.sqlite.org/optoverview.html#manual_control_of_query_plans_using_cross_join
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Join, and_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import NamedFromClause

from fhir.store.tables import resource_id


class _InOrder(Join):
    """A join whose right side is looked up for each row of the left."""

    inherit_cache = False
    name: str
    """What the right side is called."""
    condition: ColumnElement[bool]


@compiles(_InOrder, "sqlite")
def _cross_join(element: _InOrder, compiler: SQLCompiler, **options: Any) -> str:
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.condition, **options)}"


@compiles(_InOrder, "postgresql")
def _lateral(element: _InOrder, compiler: SQLCompiler, **options: Any) -> str:
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    on = compiler.process(element.condition, **options)
    # OFFSET 0 keeps the planner from taking the lookup apart.
    lookup = f"(SELECT * FROM {right} WHERE {on} OFFSET 0)"  # noqa: S608 - names of our own tables
    return f"{left} CROSS JOIN LATERAL {lookup} AS {element.name}"


def in_order(left: FromClause, right: NamedFromClause, on: ColumnElement[bool]) -> FromClause:
    """Return `left` joined with the rows of `right` that meet `on`, each looked up for a row of `left`.

    Args:
        left: What is read first.
        right: A table under a name of its own.
        on: All that is known of the rows of `right`: an index should begin with it.
    """
    joined = _InOrder(left, right, on)
    joined.name, joined.condition = right.name, on
    return joined


def by_hash(row: NamedFromClause) -> FromClause:
    """Return `resource_id` joined with the resources it names, as `row`: the hash first, then the resource by its key.

    Without figures about the tables, SQLite would rather read every resource of the type.
    """
    return in_order(
        resource_id, row, and_(row.c.patient_key == resource_id.c.patient_key, row.c.row == resource_id.c.row)
    )
