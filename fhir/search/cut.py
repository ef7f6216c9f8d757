"""How a page is cut from the matches: while they are walked, where a walk comes by them in the page's order.

So a page of the whole population costs about the same however many match. Where no such walk is known, all matches are
found first.
https://hl7.org/fhir/R4/search.html#paging
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from fhir.search.compartment import Scope
from fhir.search.found import QueryShape, Walked, by_update, every, in_place, in_time, way
from fhir.search.order import sort_type
from fhir.search.predicates import Condition
from fhir.search.walk import MOST_TRIED
from fhir.store.connection import Visibility
from fhir.store.tables import index_date, resource

MOST_COUNTED = 10_000
"""Matches that are counted at most, unless an accurate total is asked for: beyond, there is no total."""

KEYS = (resource.c.row, resource.c.version, resource.c.labels)
"""What is read of a match whose body is in memory; its labels may have changed since."""

_LIMIT = bindparam("limit", type_=Integer)
_AFTER_ROW = bindparam("after_row", type_=BigInteger)


def _position(shape: QueryShape) -> list[ColumnElement[Any]]:
    """Return the binds of the cursor: the sort values, and the row."""
    return [*(bindparam(f"after{n}", type_=sort_type(key)) for n, key in enumerate(shape.sort)), _AFTER_ROW]


def _after(page: FromClause, shape: QueryShape) -> Condition:
    """Return whether a row comes after the cursor: the keys in turn, then the row number."""
    conditions: list[Condition] = []
    equal: list[Condition] = []
    columns = [*(page.c[f"sort{n}"] for n in range(len(shape.sort))), page.c.row]
    falls = [*(key.descending for key in shape.sort), shape.falling]
    for column, value, falling in zip(columns, _position(shape), falls, strict=True):
        smaller = falling is not shape.backwards
        conditions.append(and_(*equal, column < value if smaller else column > value))
        equal.append(column == value)
    return or_(*conditions)


def _order(rows: FromClause, shape: QueryShape) -> list[ColumnElement[Any]]:
    columns = [*(rows.c[f"sort{n}"] for n in range(len(shape.sort))), rows.c.row]
    falls = [*(key.descending for key in shape.sort), shape.falling]
    return [
        column.desc() if falling is not shape.backwards else column.asc()
        for column, falling in zip(columns, falls, strict=True)
    ]


def _counted(matched: FromClause) -> ColumnElement[int]:
    return select(func.count()).select_from(matched).scalar_subquery()


def chosen(visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]) -> Subquery:
    """Return the select of a page: columns of `resource`, the total of the query, the sort keys; in no order."""
    if way(shape) in ("place", "update") and shape.total != "accurate":
        return _walked(visibility, shape, columns)
    # Materialised, so that the total is counted on the matches that were found, not by finding them again.
    matched = every(visibility, shape, scope, columns).cte("m").prefix_with("MATERIALIZED")
    cut = select(*matched.c, _total(matched, shape).label("total"))
    if shape.after:
        cut = cut.where(_after(matched, shape))
    return cut.order_by(*_order(matched, shape)).limit(_LIMIT).subquery("p")


def _total(matched: FromClause, shape: QueryShape) -> ColumnElement[int]:
    if shape.total == "none":
        return literal(0)
    if shape.total == "accurate":
        return _counted(matched)
    return _counted(select(matched.c.row).limit(MOST_COUNTED + 1).subquery())


def _walked(visibility: Visibility, shape: QueryShape, columns: Sequence[Column[Any]]) -> Subquery:
    """Return a page that is cut where it is walked.

    With a total, the matches up to the most that are counted are found first; a later page is cut from them, unless
    there are more.
    """
    if shape.total == "none":
        found = _first(visibility, shape, columns, limit=_LIMIT, after=shape.after).subquery("o")
        return select(*found.c, literal(0).label("total")).subquery("p")
    most = literal(MOST_COUNTED + 1, Integer)
    known = case((most < _LIMIT, _LIMIT), else_=most)
    matched = _first(visibility, shape, columns, limit=known, after=False).cte("m").prefix_with("MATERIALIZED")
    total = _counted(matched)
    cut = select(*matched.c, total.label("total"))
    if not shape.after:
        return cut.order_by(*_order(matched, shape)).limit(_LIMIT).subquery("p")
    few = case((total <= MOST_COUNTED, _LIMIT), else_=0)
    near = cut.where(_after(matched, shape)).order_by(*_order(matched, shape)).limit(few).subquery("near")
    far = _first(visibility, shape, columns, limit=case((total > MOST_COUNTED, _LIMIT), else_=0), after=True)
    beyond = far.subquery("far")
    return union_all(select(*near.c), select(*beyond.c, total.label("total"))).subquery("p")


def _first(
    visibility: Visibility,
    shape: QueryShape,
    columns: Sequence[Column[Any]],
    *,
    limit: ColumnElement[int],
    after: bool,
) -> Select[tuple[Any, ...]]:
    """Return the first matches of the page's order, or of those after the cursor."""
    if way(shape) == "place":
        return _cut(in_place(visibility, shape, columns), shape, limit=limit, after=after)
    unchanged = _cut(by_update(visibility, shape, columns), shape, limit=limit, after=after)
    if not shape.as_of:
        return unchanged
    # What was updated since lies elsewhere in the index than it did.
    changed = by_update(visibility, shape, columns, since=True).found.subquery("c")
    moved = select(*changed.c)
    if after:
        moved = moved.where(_after(changed, shape))
    both = union_all(select(*unchanged.subquery("u").c), moved).subquery("b")
    return select(*both.c).order_by(*_order(both, shape)).limit(limit)


def _cut(walked: Walked, shape: QueryShape, *, limit: ColumnElement[int], after: bool) -> Select[tuple[Any, ...]]:
    """Return the first matches of a walk, from the cursor on."""
    falling = shape.falling is not shape.backwards
    found = walked.found
    if after:
        # As one value, so that the walk begins there.
        here, there = tuple_(*walked.order), tuple_(*_position(shape))
        found = found.where(here < there if falling else here > there)
    return found.order_by(*(one.desc() if falling else one.asc() for one in walked.order)).limit(limit)


def tried(visibility: Visibility, shape: QueryShape, scope: Scope, columns: Sequence[Column[Any]]) -> Subquery:
    """Return a page in the order of a date, if it is among the first `MOST_TRIED` dates from the cursor on.

    It holds fewer matches than it may if they are fewer there: then nothing is known of the page, and `chosen` tells.
    Resources without a date come after all others, and are not looked at.
    """
    walked, rows = in_time(visibility, shape, columns)
    falling = shape.falling is not shape.backwards
    position = tuple_(*_position(shape))
    ahead = index_date.alias("h")
    place = (ahead.c.lo, ahead.c.patient_key, ahead.c.row)
    furthest = select(ahead.c.lo).where(ahead.c.parameter == shape.sort[0].parameter)
    if shape.after:
        furthest = furthest.where(tuple_(*place) < position if falling else tuple_(*place) > position)
    furthest = furthest.order_by(*(one.desc() if falling else one.asc() for one in place))
    last = furthest.limit(1).offset(MOST_TRIED).scalar_subquery()
    end = -(2**63) + 1 if falling else 2**63 - 1
    bound = func.coalesce(last, literal(end, BigInteger))
    near = Walked(walked.found.where(rows.c.lo >= bound if falling else rows.c.lo <= bound), walked.order)
    cut = _cut(near, shape, limit=_LIMIT, after=shape.after).cte("o").prefix_with("MATERIALIZED")
    total: ColumnElement[int] = literal(0)
    if shape.total != "none":
        bare = replace(shape, sort=())
        some = every(visibility, bare, scope, KEYS).limit(MOST_COUNTED + 1).subquery("a")
        total = case((_counted(cut) >= _LIMIT, _counted(some)), else_=0)
    return select(*cut.c, total.label("total")).subquery("p")
