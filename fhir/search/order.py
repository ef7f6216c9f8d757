"""How matches are put in order: a value for each sort key, now or as of the instant of a search's first page.

A resource without a value comes last in either direction.
https://hl7.org/fhir/R4/search.html#sort
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    FromClause,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from fhir.search.condition import same_row
from fhir.search.order_text import OrderText
from fhir.search.predicates import TABLES, Condition
from fhir.spec.search_parameters import by_id
from fhir.store.facts import clinical_date_parameter
from fhir.store.tables import NO_DATE
from fhir.store.tables import resource_version as version_table
from fhir.store.types import NAMES

IN_BODY = frozenset({"token", "reference"})
"""Types whose index rows are hashes: what they sort by is read off the body."""

_TEXTS = IN_BODY | {"string", "uri"}
"""Types that sort as texts."""


@dataclass(frozen=True, slots=True)
class SortShape:
    """A sort key: its parameter and direction."""

    parameter: int
    type: str
    code: str
    descending: bool
    paths: tuple[str, ...] = ()
    """Where the values of a hub's own parameter are; R4's are known by their number."""


_as_of = bindparam("as_of", type_=BigInteger)


def _then(row: FromClause, wanted: Callable[[FromClause], ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return what is `wanted` of the versions that a resource had at the instant `as_of`."""
    version = version_table.alias()
    same = and_(
        version.c.patient_key == row.c.patient_key, version.c.row == row.c.row, version.c.last_updated <= _as_of
    )
    return select(wanted(version)).select_from(version).where(same).correlate_except(version).scalar_subquery()


def existed(row: FromClause) -> Condition:
    """Return whether a resource was there at the instant `as_of`."""
    return or_(row.c.last_updated <= _as_of, _then(row, lambda v: func.count(v.c.version)) > 0)


def _version_in_order(row: FromClause, as_of: bool) -> ColumnElement[int]:
    """Return the version whose values put a resource in order."""
    if not as_of:
        version: ColumnElement[int] = row.c.version
        return version
    return case((row.c.last_updated <= _as_of, row.c.version), else_=_then(row, lambda v: func.max(v.c.version)))


def sort_key(row: FromClause, key: SortShape, type_number: int, *, as_of: bool = False) -> ColumnElement[Any]:
    """Return the value to sort resources of a type by; one without a value comes last in either direction.

    What an update changes in index rows is not known any more; `_lastUpdated` and what is read off the body are as of
    the instant.
    """
    if key.code == "_lastUpdated":
        last: ColumnElement[int] = row.c.last_updated
        before = _then(row, lambda version: func.max(version.c.last_updated))
        return case((last <= _as_of, last), else_=before) if as_of else last
    if key.code == "_id":
        return row.c.id
    if key.type == "date" and key.parameter == clinical_date_parameter(NAMES[type_number]):
        date = row.c.clinical_date
        return date if key.descending else case((date == NO_DATE, _last_value(key)), else_=date)
    if key.type in IN_BODY:
        body = version_table.alias()
        text = OrderText(body.c.body, key.paths or by_id(key.parameter).paths, greatest=key.descending)
        here = and_(body.c.patient_key == row.c.patient_key, body.c.row == row.c.row)
        this = body.c.version == _version_in_order(row, as_of)
        read = select(text).select_from(body).where(here, this).correlate_except(body).scalar_subquery()
        return func.coalesce(read, _last_value(key))
    index = TABLES[key.type].alias()
    column = index.c.value if key.type in ("string", "uri") else index.c.lo
    best = func.max(column) if key.descending else func.min(column)
    found = select(best).where(index.c.parameter == key.parameter, same_row(index, row)).scalar_subquery()
    return func.coalesce(found, _last_value(key))


def _last_value(key: SortShape) -> ColumnElement[Any]:
    if key.type in _TEXTS:
        return literal("" if key.descending else "\U0010ffff", Text)
    if key.type == "date":
        return literal(-(2**63) if key.descending else 2**63 - 1, BigInteger)
    return literal(-1e308 if key.descending else 1e308, Float)


def sort_type(key: SortShape) -> Any:
    """Return the SQL type of a sort key."""
    if key.type in _TEXTS:
        return Text()
    return BigInteger() if key.type == "date" else Float()
