"""The SQL of a search: one statement that gives a page of matches, their bodies and the total.

https://hl7.org/fhir/R4/search.html
"""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, Select, and_, bindparam, func, select

from fhir.search.compartment import Scope
from fhir.search.cut import KEYS, chosen, tried
from fhir.search.found import QueryShape, every
from fhir.store.connection import Visibility
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS
from fhir.store.statements import by_shape
from fhir.store.tables import resource
from fhir.store.tables import resource_version as version_table

_COLUMNS = [*(one for one in COLUMNS if one.table is resource), resource.c.version]
"""What is read of a match before its body."""


def _sorts(found: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    return [found.c.total, *(found.c[f"sort{number}"] for number in range(len(shape.sort)))]


@by_shape
def keys(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page without its bodies: `KEYS`, the total of the query, the sort keys."""
    found = chosen(visibility, shape, scope, KEYS)
    return select(*(found.c[one.name] for one in KEYS), *_sorts(found, shape))


@by_shape
def page(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page: columns of a stored version, the total of the query, the sort keys.

    The rows come in no order: which ones they are is decided here, and to sort their bodies once more would cost more
    than to sort the few rows where they arrive.
    """
    return _with_bodies(chosen(visibility, shape, scope, _COLUMNS), shape)


@by_shape
def attempt(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page in the order of a date, which may find less of it than there is.

    With as many rows as asked for it is the page; with fewer nothing is known of the page.
    """
    return _with_bodies(tried(visibility, shape, scope, _COLUMNS), shape)


def _with_bodies(found: FromClause, shape: QueryShape) -> Select[tuple[Any, ...]]:
    columns = [version_table.c[one.name] if one.table is version_table else found.c[one.name] for one in COLUMNS]
    same = [version_table.c[name] == found.c[name] for name in ("patient_key", "row", "version")]
    return select(*columns, *_sorts(found, shape)).select_from(in_order(found, version_table, and_(*same)))


@by_shape
def count(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[Any]:
    """Return the statement of the total alone; it has no row when nothing matches.

    The gate takes an answer without rows as the sign to look whether the caller's rights are still current.
    """
    matched = every(visibility, shape, scope, KEYS).subquery("m")
    return select(func.count()).select_from(matched).having(func.count() > 0)


@by_shape
def places(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[Any]:
    """Return the statement of where matches lie, by their rows: patient key, row, size of the body, row, version."""
    columns = (resource.c.patient_key, resource.c.row, resource.c.version)
    matched = every(visibility, shape, scope, columns).subquery("m")
    same = [version_table.c[one.name] == matched.c[one.name] for one in columns]
    size = func.length(version_table.c.body)
    return (
        select(matched.c.patient_key, matched.c.row, size, matched.c.row.label("last"), matched.c.version)
        .select_from(in_order(matched, version_table, and_(*same)))
        .where(matched.c.row > bindparam("after_row", type_=BigInteger))
        .order_by(matched.c.row)
        .limit(bindparam("limit", type_=Integer))
    )
