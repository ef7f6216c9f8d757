"""The SQL of a search: one statement that gives a page of matches, their bodies and the exact total.

The most selective criterion *drives*: its index rows are walked and joined to the resources; each other criterion is
tested on the resource at hand. The visibility is applied to every alias before anything is counted or cut.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    Subquery,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from fhir.search.condition import same_row, test
from fhir.search.order_text import OrderText
from fhir.search.predicates import TABLES, Condition, Shape
from fhir.search.shapes import AnyShape
from fhir.search.walk import has_index, is_settled, rank, walk
from fhir.spec.search_parameters import by_id
from fhir.store.connection import Visibility
from fhir.store.facts import clinical_date_parameter, has_one_subject
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS
from fhir.store.statements import by_shape
from fhir.store.tables import NO_DATE, resource
from fhir.store.tables import resource_version as version_table
from fhir.store.types import NAMES

Scope = Callable[[Sequence[ColumnElement[int]], Visibility], Select[tuple[int]]]
"""From the hashes that a Patient reference may mean to the patient keys of that person that the caller may speak of."""

IN_BODY = frozenset({"token", "reference"})
"""Types whose index rows are hashes: what they sort by is read off the body."""

_TEXTS = IN_BODY | {"string", "uri"}
"""Types that sort as texts."""

KEYS = (resource.c.row, resource.c.version, resource.c.labels)
"""What is read of a match whose body is in memory; its labels may have changed since."""


@dataclass(frozen=True, slots=True)
class SortShape:
    """A sort key: its parameter and direction."""

    parameter: int
    type: str
    code: str
    descending: bool


@dataclass(frozen=True, slots=True)
class QueryShape:
    """Everything of a query that changes its SQL."""

    type: int
    criteria: tuple[AnyShape, ...]
    sort: tuple[SortShape, ...]
    scope: int | None
    """The number of the criterion that names the patient, when the patient key answers it."""
    after: bool
    """Whether the page begins after a cursor."""


def _driver(shape: QueryShape) -> int | None:
    """Return the number of the criterion to walk, or None to walk the resources of the type or the patient."""
    ranks = [
        (found, number)
        for number, criterion in enumerate(shape.criteria)
        # A patient's rows are few: what they refer to is looked up, not the other way.
        if number != shape.scope
        and (found := rank(criterion)) is not None
        and (shape.scope is None or has_index(criterion, ""))
    ]
    return min(ranks)[1] if ranks else None


def _scope_hashes(shape: QueryShape) -> list[ColumnElement[int]]:
    """Return the binds of the hashes that the reference to the patient may mean."""
    named = shape.criteria[shape.scope] if shape.scope is not None else None
    targets = int(named.values[0]) if isinstance(named, Shape) else 0
    return [bindparam(f"c{shape.scope}_0_target{target}", type_=BigInteger()) for target in range(targets)]


def sort_key(row: FromClause, key: SortShape, type_number: int) -> ColumnElement[Any]:
    """Return the value to sort resources of a type by; one without a value comes last in either direction."""
    if key.code == "_lastUpdated":
        return row.c.last_updated
    if key.code == "_id":
        return row.c.id
    if key.type == "date" and key.parameter == clinical_date_parameter(NAMES[type_number]):
        date = row.c.clinical_date
        return date if key.descending else case((date == NO_DATE, _last_value(key)), else_=date)
    if key.type in IN_BODY:
        body = version_table.alias()
        text = OrderText(body.c.body, by_id(key.parameter).paths, greatest=key.descending)
        read = select(text).select_from(body).where(same_row(body, row)).correlate_except(body).scalar_subquery()
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


def _after(page: FromClause, shape: QueryShape) -> Condition:
    """Return whether a row comes after the cursor: the keys in turn, then the row number."""
    conditions: list[Condition] = []
    equal: list[Condition] = []
    for number, key in enumerate(shape.sort):
        column, value = page.c[f"sort{number}"], bindparam(f"after{number}", type_=sort_type(key))
        conditions.append(and_(*equal, column < value if key.descending else column > value))
        equal.append(column == value)
    conditions.append(and_(*equal, page.c.row > bindparam("after_row", type_=BigInteger)))
    return or_(*conditions)


def _found(
    visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]
) -> Select[tuple[Any, ...]]:
    """Return the select of all matches that exist for the caller: `columns` of `resource`, sort keys; in no order."""
    row = resource.alias("r")
    keys = None
    if shape.scope is not None:
        hashes = _scope_hashes(shape)
        known = scope(hashes, visibility)
        # One Patient is of one person, and a row is about one Patient where the type has room for no more: then its
        # keys are distinct as they come; to make sure costs SQLite a table.
        distinct = len(hashes) == 1 and has_one_subject(NAMES[shape.type])
        keys = (known if distinct else known.distinct()).subquery("k")
    driver = _driver(shape)
    sorts = [sort_key(row, key, shape.type).label(f"sort{number}") for number, key in enumerate(shape.sort)]
    found = select(*(row.c[one.name] for one in columns), *sorts)
    if driver is not None:
        walked = walk(shape.criteria[driver], str(driver), keys)
        same = [walked.c.patient_key == row.c.patient_key, walked.c.row == row.c.row]
        if "version" in walked.c:
            same.append(walked.c.version == row.c.version)
        found = found.select_from(in_order(walked, row, and_(*same)))
    elif keys is not None:
        of_patient = and_(row.c.patient_key == keys.c.patient_key, row.c.type == bindparam("type", type_=SmallInteger))
        found = found.select_from(in_order(keys, row, of_patient))
    found = found.where(row.c.type == bindparam("type", type_=SmallInteger), row.c.deleted == 0)
    if shape.scope is not None:
        found = found.where(row.c.by_subject == 1)
    for number, criterion in enumerate(shape.criteria):
        if number != shape.scope and (number != driver or not is_settled(criterion)):
            found = found.where(test(row, criterion, str(number), shape.type, visibility))
    # Last, because databases test in this order, and what a person's grants say of a row costs more than the rest.
    return found.where(visibility.condition(row))


def _chosen(visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]) -> Subquery:
    """Return the select of a page: columns of `resource`, the total of the query, the sort keys; in no order."""
    # Materialised, so that the total is counted on the matches that were found, not by finding them again.
    matched = _found(visibility, shape, scope, columns).cte("m").prefix_with("MATERIALIZED")
    cut = select(*matched.c, select(func.count()).select_from(matched).scalar_subquery().label("total"))
    if shape.after:
        cut = cut.where(_after(matched, shape))
    return cut.order_by(*_order(matched, shape)).limit(bindparam("limit", type_=Integer)).subquery("p")


def _sorts(chosen: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    return [chosen.c.total, *(chosen.c[f"sort{number}"] for number in range(len(shape.sort)))]


@by_shape
def keys(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page without its bodies: `KEYS`, the total of the query, the sort keys."""
    chosen = _chosen(visibility, shape, scope, KEYS)
    return select(*(chosen.c[one.name] for one in KEYS), *_sorts(chosen, shape))


@by_shape
def page(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[tuple[Any, ...]]:
    """Return the statement of a page: columns of a stored version, the total of the query, the sort keys.

    The rows come in no order: which ones they are is decided here, and to sort their bodies once more would cost more
    than to sort the few rows where they arrive.
    """
    chosen = _chosen(visibility, shape, scope, [one for one in COLUMNS if one.table is resource] + [resource.c.version])
    columns = [version_table.c[one.name] if one.table is version_table else chosen.c[one.name] for one in COLUMNS]
    return select(*columns, *_sorts(chosen, shape)).select_from(
        in_order(
            chosen,
            version_table,
            and_(
                version_table.c.patient_key == chosen.c.patient_key,
                version_table.c.row == chosen.c.row,
                version_table.c.version == chosen.c.version,
            ),
        )
    )


@by_shape
def count(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[Any]:
    """Return the statement of the total alone; it has no row when nothing matches.

    The gate takes an answer without rows as the sign to look whether the caller's rights are still current.
    """
    matched = _found(visibility, shape, scope, KEYS).subquery("m")
    return select(func.count()).select_from(matched).having(func.count() > 0)


def _order(rows: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    keys = [
        rows.c[f"sort{number}"].desc() if key.descending else rows.c[f"sort{number}"].asc()
        for number, key in enumerate(shape.sort)
    ]
    return [*keys, rows.c.row.asc()]
