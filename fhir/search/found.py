"""What a search finds: the select of its matches, under the visibility, before a page of them is cut.

The most selective criterion *drives*: its index rows are walked and joined to the resources; each other criterion is
tested on the resource at hand. Some walks come by the resources in the order of the page: it is cut while they are
walked (`fhir.search.cut`).
https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, FromClause, Select, SmallInteger, and_, bindparam, exists
from sqlalchemy import select as select_
from sqlalchemy.sql.selectable import NamedFromClause

from fhir.search.between import Between, walk_between
from fhir.search.compartment import CompartmentShape, Scope
from fhir.search.compartment import walk as walk_compartment
from fhir.search.condition import test
from fhir.search.moment import View
from fhir.search.order import LAST_UPDATED, PLACE, AnySort, SortShape, place, sort_key
from fhir.search.order import size as size_of_sort
from fhir.search.predicates import Condition, Shape
from fhir.search.shapes import AnyShape, size
from fhir.search.walk import by_date, has_index, is_in_place, is_settled, rank, walk, walk_in_place
from fhir.store.connection import Visibility
from fhir.store.facts import has_one_subject
from fhir.store.in_order import in_order
from fhir.store.tables import resource
from fhir.store.types import NAMES

_TYPE = bindparam("type", type_=SmallInteger)
_AS_OF = bindparam("as_of", type_=BigInteger)


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
    between: Between | None = None
    """The range of dates that is walked, where nothing else drives."""

    @property
    def size(self) -> int:
        """How many conditions it makes."""
        sorts = sum(size_of_sort(key) for key in self.sort if key not in (PLACE, LAST_UPDATED))
        return sorts + sum(map(size, self.criteria))

    @property
    def of_all(self) -> bool:
        """Whether the whole population is searched, not the record of a patient or a compartment."""
        return self.scope is None and self.compartment is None

    @property
    def falling(self) -> bool:
        """Whether resources that are equal by every sort key come with the greatest row first: as the last key has it.

        So an index is walked from either end.
        """
        return bool(self.sort) and self.sort[-1].descending


def driver(shape: QueryShape) -> int | None:
    """Return the number of the criterion to walk, or None to walk the resources of the type or the patient."""
    ranks = [
        # Of two that are as selective, the one that is walked in the order of a page.
        (found, not is_in_place(criterion), number)
        for number, criterion in enumerate(shape.criteria)
        # A patient's rows are few: what they refer to is looked up, not the other way.
        if number != shape.scope
        and (found := rank(criterion)) is not None
        and (shape.scope is None or has_index(criterion, ""))
    ]
    return min(ranks)[2] if ranks else None


def way(shape: QueryShape) -> str | None:
    """Return what is walked in the order of the page.

    Returns:
        `place`: what drives, patient by patient. `update`: the resources of the type by their last update. `date`:
        their values of a date parameter. None if all matches must be known before a page is.
    """
    if not shape.of_all or not shape.sort or shape.between is not None:
        return None
    first, number = shape.sort[0], driver(shape)
    if number is not None:
        return "place" if shape.sort == (PLACE,) and is_in_place(shape.criteria[number]) else None
    if not isinstance(first, SortShape):
        return None
    if first.code == LAST_UPDATED.code:
        return "update" if len(shape.sort) == 1 else None
    return "date" if first.type == "date" and shape.sort[1:] == (place(falling=first.descending),) else None


def tie(shape: QueryShape) -> tuple[SortShape, ...]:
    """Return the keys that follow those of a query, so that a walk comes by the resources in the order of the page.

    Without keys it is what is walked: patient by patient, or all of a type by the last update.
    """
    if not shape.of_all or len(shape.sort) > 1:
        return ()
    walked = driver(shape) is not None
    if not shape.sort:
        return (PLACE,) if walked else (LAST_UPDATED,)
    (key,) = shape.sort
    dated = isinstance(key, SortShape) and key.type == "date" and key.code != LAST_UPDATED.code
    return (place(falling=key.descending),) if dated and not walked else ()


def _scope_hashes(shape: QueryShape) -> list[ColumnElement[int]]:
    """Return the binds of the hashes that the reference to the patient may mean."""
    named = shape.criteria[shape.scope] if shape.scope is not None else None
    targets = int(named.values[0]) if isinstance(named, Shape) else 0
    return [bindparam(f"c{shape.scope}_0_target{target}", type_=BigInteger()) for target in range(targets)]


def _columns(
    row: FromClause, columns: Sequence[Column[Any]], sorts: Sequence[ColumnElement[Any]], view: View
) -> Select[tuple[Any, ...]]:
    seen = {"version": view.version(row).label("version")}
    labelled = [key.label(f"sort{number}") for number, key in enumerate(sorts)]
    return select_(*(seen.get(one.name, row.c[one.name]) for one in columns), *labelled)


def _tested(
    found: Select[tuple[Any, ...]], row: FromClause, shape: QueryShape, view: View, walked: int | None
) -> Select[tuple[Any, ...]]:
    """Return those of the rows that fulfil all criteria, but for what a walk has settled, and exist for the caller."""
    settled = (walked, *(shape.between or ()))
    for number, criterion in enumerate(shape.criteria):
        if number != shape.scope and (number not in settled or not is_settled(criterion)):
            found = found.where(test(row, criterion, str(number), shape.type, view))
    return found.where(view.exists(row))


def _walked(row: NamedFromClause, walked: FromClause, view: View) -> FromClause:
    """Return the resources that index rows are of."""
    same: list[Condition] = [walked.c.patient_key == row.c.patient_key, walked.c.row == row.c.row]
    if "version" in walked.c:
        same.append(walked.c.version == view.version(row))
    return in_order(walked, row, and_(*same))


def every(
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
    number = driver(shape) if inside is None or keys is not None else None
    sorts = [sort_key(row, key, shape.type, f"s{n}", view) for n, key in enumerate(shape.sort)]
    found = _columns(row, columns, sorts, view)
    if number is not None:
        found = found.select_from(_walked(row, walk(shape.criteria[number], str(number), keys), view))
    elif shape.between is not None:
        found = found.select_from(_walked(row, walk_between(shape.criteria, shape.between, shape.type), view))
    elif inside is not None and keys is None:
        found = found.select_from(in_order(inside, row, view.same_row(inside, row)))
    elif keys is not None:
        of_patient = and_(row.c.patient_key == keys.c.patient_key, row.c.type == _TYPE)
        found = found.select_from(in_order(keys, row, of_patient))
    found = found.where(row.c.type == _TYPE)
    if shape.scope is not None:
        found = found.where(row.c.by_subject == 1)
    if inside is not None and keys is not None:
        found = found.where(exists().where(view.same_row(inside, row)))
    return _tested(found, row, shape, view, number)


@dataclass(frozen=True, slots=True)
class Walked:
    """Matches in the order of a walk.

    Attributes:
        found: Their select, without an order.
        order: What the walk comes by them in the order of, from the least or the greatest on.
    """

    found: Select[tuple[Any, ...]]
    order: tuple[ColumnElement[Any], ...]


def in_place(visibility: Visibility, shape: QueryShape, columns: Sequence[Column[Any]]) -> Walked:
    """Return the matches as what drives leads to them, patient by patient."""
    row, view = resource.alias("r"), View(visibility, shape.as_of)
    number = driver(shape)
    if number is None:
        raise ValueError("nothing drives")
    rows, once = walk_in_place(shape.criteria[number], str(number), row)
    found = _columns(row, columns, [row.c.patient_key], view).select_from(_walked(row, rows, view))
    matched = _tested(found.where(row.c.type == _TYPE), row, shape, view, number).where(*once)
    return Walked(matched, (rows.c.patient_key, rows.c.row))


def by_update(
    visibility: Visibility, shape: QueryShape, columns: Sequence[Column[Any]], *, since: bool = False
) -> Walked:
    """Return the matches by their last update.

    Of those as of an instant it is only what was not updated since; or with `since` what was, which is in no order.
    """
    row, view = resource.alias("r"), View(visibility, shape.as_of)
    found = _columns(row, columns, [view.last_updated(row)], view).where(row.c.type == _TYPE)
    if shape.as_of:
        found = found.where(row.c.last_updated > _AS_OF if since else row.c.last_updated <= _AS_OF)
    return Walked(_tested(found, row, shape, view, None), (row.c.last_updated, row.c.row))


def in_time(visibility: Visibility, shape: QueryShape, columns: Sequence[Column[Any]]) -> tuple[Walked, FromClause]:
    """Return the matches that have a value of the date they are sorted by, in its order; and its index rows."""
    row, view, key = resource.alias("r"), View(visibility, shape.as_of), shape.sort[0]
    rows = by_date(key.parameter, shape.type, greatest=key.descending)
    found = _columns(row, columns, [rows.c.lo, row.c.patient_key], view).select_from(_walked(row, rows, view))
    walked = _tested(found.where(row.c.type == _TYPE), row, shape, view, None)
    return Walked(walked, (rows.c.lo, rows.c.patient_key, rows.c.row)), rows
