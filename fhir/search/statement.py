"""The SQL of a search: one statement that gives a page of matches, their bodies and the exact total.

The most selective criterion *drives*: its index rows are walked and joined to the resources; each other criterion is
tested on the resource at hand. The visibility is applied to every alias before anything is counted or cut.
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    SmallInteger,
    Subquery,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
)

from fhir.search.compartment import CompartmentShape, Scope
from fhir.search.compartment import walk as walk_compartment
from fhir.search.condition import test
from fhir.search.moment import View
from fhir.search.order import AnySort, sort_key, sort_type
from fhir.search.predicates import Condition, Shape
from fhir.search.shapes import AnyShape
from fhir.search.walk import has_index, is_settled, rank, walk
from fhir.store.connection import Visibility
from fhir.store.facts import has_one_subject
from fhir.store.in_order import in_order
from fhir.store.read import COLUMNS
from fhir.store.statements import by_shape
from fhir.store.tables import resource
from fhir.store.tables import resource_version as version_table
from fhir.store.types import NAMES

KEYS = (resource.c.row, resource.c.version, resource.c.labels)
"""What is read of a match whose body is in memory; its labels may have changed since."""

MOST_COUNTED = 10_000
"""Matches that are counted at most, unless an accurate total is asked for: beyond, there is no total."""


@dataclass(frozen=True, slots=True)
class QueryShape:
    """Everything of a query that changes its SQL."""

    type: int
    criteria: tuple[AnyShape, ...]
    sort: tuple[AnySort, ...]
    scope: int | None
    """The number of the criterion that names the patient, when the patient key answers it."""
    after: bool
    """Whether the page begins after a cursor, or backwards ends before it."""
    total: str = "capped"
    """How matches are counted: `none`, all (`accurate`), or up to `MOST_COUNTED` and one more (`capped`)."""
    compartment: CompartmentShape | None = None
    """The compartment that is searched."""
    as_of: bool = False
    """Whether resources are seen as they were at the instant `as_of`, and later ones left out."""
    backwards: bool = False
    """Whether the page is read from its end."""


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


def _after(page: FromClause, shape: QueryShape) -> Condition:
    """Return whether a row comes after the cursor: the keys in turn, then the row number."""
    conditions: list[Condition] = []
    equal: list[Condition] = []
    for number, key in enumerate(shape.sort):
        column, value = page.c[f"sort{number}"], bindparam(f"after{number}", type_=sort_type(key))
        falling = key.descending is not shape.backwards
        conditions.append(and_(*equal, column < value if falling else column > value))
        equal.append(column == value)
    row = bindparam("after_row", type_=BigInteger)
    conditions.append(and_(*equal, page.c.row < row if shape.backwards else page.c.row > row))
    return or_(*conditions)


def _found(
    visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]
) -> Select[tuple[Any, ...]]:
    """Return the select of all matches that exist for the caller: `columns` of `resource`, sort keys; in no order."""
    row, view = resource.alias("r"), View(visibility, shape.as_of)
    keys = None
    if shape.scope is not None:
        hashes = _scope_hashes(shape)
        known = scope(hashes, visibility)
        # One Patient is of one person, and a row is about one Patient where the type has room for no more: then its
        # keys are distinct as they come; to make sure costs SQLite a table.
        distinct = len(hashes) == 1 and has_one_subject(NAMES[shape.type])
        keys = (known if distinct else known.distinct()).subquery("k")
    inside = walk_compartment(shape.compartment, view, scope) if shape.compartment is not None else None
    # A compartment is the most selective there is, but for one patient's record.
    driver = _driver(shape) if inside is None or keys is not None else None
    sorts = [
        sort_key(row, key, shape.type, f"s{number}", view).label(f"sort{number}")
        for number, key in enumerate(shape.sort)
    ]
    seen = {"version": view.version(row).label("version")}
    found = select(*(seen.get(one.name, row.c[one.name]) for one in columns), *sorts)
    if driver is not None:
        walked = walk(shape.criteria[driver], str(driver), keys)
        same = [walked.c.patient_key == row.c.patient_key, walked.c.row == row.c.row]
        if "version" in walked.c:
            same.append(walked.c.version == view.version(row))
        found = found.select_from(in_order(walked, row, and_(*same)))
    elif inside is not None and keys is None:
        found = found.select_from(in_order(inside, row, view.same_row(inside, row)))
    elif keys is not None:
        of_patient = and_(row.c.patient_key == keys.c.patient_key, row.c.type == bindparam("type", type_=SmallInteger))
        found = found.select_from(in_order(keys, row, of_patient))
    found = found.where(row.c.type == bindparam("type", type_=SmallInteger))
    if shape.scope is not None:
        found = found.where(row.c.by_subject == 1)
    if inside is not None and keys is not None:
        found = found.where(exists().where(view.same_row(inside, row)))
    for number, criterion in enumerate(shape.criteria):
        if number != shape.scope and (number != driver or not is_settled(criterion)):
            found = found.where(test(row, criterion, str(number), shape.type, view))
    return found.where(view.exists(row))


def _chosen(visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]) -> Subquery:
    """Return the select of a page: columns of `resource`, the total of the query, the sort keys; in no order."""
    # Materialised, so that the total is counted on the matches that were found, not by finding them again.
    matched = _found(visibility, shape, scope, columns).cte("m").prefix_with("MATERIALIZED")
    cut = select(*matched.c, _total(matched, shape).label("total"))
    if shape.after:
        cut = cut.where(_after(matched, shape))
    return cut.order_by(*_order(matched, shape)).limit(bindparam("limit", type_=Integer)).subquery("p")


def _total(matched: FromClause, shape: QueryShape) -> ColumnElement[int]:
    if shape.total == "none":
        return literal(0)
    if shape.total == "accurate":
        return select(func.count()).select_from(matched).scalar_subquery()
    some = select(matched.c.row).limit(MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


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


@by_shape
def places(visibility: Visibility, shape: QueryShape, scope: Scope) -> Select[Any]:
    """Return the statement of where matches lie, by their rows: patient key, row, size of the body, row, version."""
    columns = (resource.c.patient_key, resource.c.row, resource.c.version)
    matched = _found(visibility, shape, scope, columns).subquery("m")
    same = [version_table.c[one.name] == matched.c[one.name] for one in columns]
    size = func.length(version_table.c.body)
    return (
        select(matched.c.patient_key, matched.c.row, size, matched.c.row.label("last"), matched.c.version)
        .select_from(in_order(matched, version_table, and_(*same)))
        .where(matched.c.row > bindparam("after_row", type_=BigInteger))
        .order_by(matched.c.row)
        .limit(bindparam("limit", type_=Integer))
    )


def _order(rows: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    keys = [
        rows.c[f"sort{number}"].desc() if key.descending is not shape.backwards else rows.c[f"sort{number}"].asc()
        for number, key in enumerate(shape.sort)
    ]
    return [*keys, rows.c.row.desc() if shape.backwards else rows.c.row.asc()]
