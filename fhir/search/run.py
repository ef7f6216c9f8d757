"""Runs a search: one statement for the page and its total, under the caller's visibility.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any

from fhir.errors import InvalidValue, NotSupported
from fhir.search.asked import Asked, Chain, Criterion
from fhir.search.asked import criteria as criteria_of
from fhir.search.between import between
from fhir.search.compartment import Compartment, Scope
from fhir.search.compartment import shape as compartment_shape
from fhir.search.criterion import FULL_TEXT
from fhir.search.cut import KEYS, MOST_COUNTED
from fhir.search.found import QueryShape, driver, tie, way
from fhir.search.order import IN_BODY, NO_VALUE, PLACE, AnySort, ChainedSort, SortShape, comparable
from fhir.search.predicates import TABLES
from fhir.search.query import Query, Sort
from fhir.search.shapes import AnyShape, planned
from fhir.search.statement import attempt, count, keys, page
from fhir.search.statement import places as places_statement
from fhir.search.values import ReferenceValue
from fhir.spec.search_paths import INSIDE
from fhir.store.connection import Connection, Row, Visibility
from fhir.store.facts import subject_element
from fhir.store.read import COLUMNS, stored
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS


@dataclass(frozen=True, slots=True)
class Page:
    """A page of matches.

    Attributes:
        matches: The current versions, in order.
        total: How many resources match in all; None when there are too many to count, or it was not asked for.
        after: The position of the last match when there are more, None on the last page.
        positions: The sort values and the row of each match.
        before: The position of the first match when there may be others before it, None on the first page.
    """

    matches: Sequence[Stored]
    total: int | None
    after: tuple[Any, ...] | None
    positions: Sequence[tuple[Any, ...]] = ()
    before: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page lies among all matches.

    Attributes:
        position: `Page.after` of the page before, or `Page.before` of the page after it; None for the first page, or
            backwards for the last one.
        backwards: Whether the page ends before the position.
        as_of: The instant in microseconds of the first page: matches are seen as they were then. None on the first
            page, which is of now.
    """

    position: Sequence[Any] | None = None
    backwards: bool = False
    as_of: int | None = None


FIRST = Place()
"""The first page."""

ORDERS = 2
"""Counts up when a position means another place than in the release before; links to pages hold it."""


def _scope(query: Query) -> int | None:
    """Return the number of a criterion that the patient key answers: one `patient` of a type that has a subject."""
    for number, asked in enumerate(query.criteria):
        if not isinstance(asked, Criterion) or (asked.parameter.code, asked.parameter.type) != ("patient", "reference"):
            continue
        value = asked.values[0]
        # Of a Patient elsewhere nobody knows who it is: what refers to it is found by that alone.
        here = isinstance(value, ReferenceValue) and not value.elsewhere
        if asked.modifier is None and len(asked.values) == 1 and here and subject_element(query.type):
            return number
    return None


@lru_cache(maxsize=1024)
def _sort(keys: tuple[Sort, ...]) -> tuple[AnySort, ...]:
    return tuple(_sort_shape(key.asked, key.descending) for key in keys)


def _is_own(key: Sort) -> bool:
    return any(one.parameter.is_own for one in criteria_of(key.asked))


def _sort_shape(asked: Asked, descending: bool) -> AnySort:
    if isinstance(asked, Chain):
        branches = tuple((NUMBERS[target], _sort_shape(inner, descending)) for target, inner in asked.branches)
        return ChainedSort(asked.parameter.id, branches, branches[0][1].type, descending)
    (parameter,) = (one.parameter for one in criteria_of(asked))
    # What hashes sort by is read off the body by SQL, which looks no deeper than one key.
    deep = parameter.is_own and parameter.type in IN_BODY and any(INSIDE in path for path in parameter.paths)
    if parameter.type not in TABLES or parameter.code in FULL_TEXT or deep:
        raise NotSupported(f"_sort by {parameter.code} is not supported", "_sort")
    paths = parameter.paths if parameter.is_own else ()
    return SortShape(parameter.id, parameter.type, parameter.code, descending, paths)


def plan(
    query: Query,
    place: Place = FIRST,
    compartment: Compartment | None = None,
    ending: tuple[SortShape, ...] | None = None,
) -> tuple[QueryShape, dict[str, Any]]:
    """Return the shape of a query and the values of its binds.

    Args:
        query: What is asked.
        place: Where the page lies.
        compartment: What the matches must belong to.
        ending: What puts in order what is equal by the keys of the query; by default what it is walked by.

    Raises:
        NotSupported: it sorts by a parameter without an order.
        InvalidValue: the place is not one of this order.
    """
    criteria: list[AnyShape] = []
    values: dict[str, Any] = {"type": NUMBERS[query.type]}
    for number, criterion in enumerate(query.criteria):
        made, binds = planned(criterion, query.type, str(number))
        criteria.append(made)
        values.update(binds)
    # Parameters of one number are equal, and another hub's may read something else.
    sort = _sort.__wrapped__(query.sort) if any(map(_is_own, query.sort)) else _sort(query.sort)
    inside = None
    if compartment is not None:
        inside = compartment_shape(compartment.type, query.type)
        values.update(compartment.values)
    total = query.total if query.total in ("none", "accurate") else "capped"
    scope = _scope(query)
    if place.as_of is not None:
        values["as_of"] = place.as_of
    whole = QueryShape(
        *(NUMBERS[query.type], tuple(criteria), sort, scope, place.position is not None, total, inside),
        as_of=place.as_of is not None,
        backwards=place.backwards,
    )
    range_ = between(whole.type, criteria, values) if whole.of_all and driver(whole) is None else None
    ties = tie(whole) if ending is None else ending
    if ties or range_ is not None:
        # Most searches are of one person's record, and have neither.
        whole = replace(whole, sort=(*sort, *ties), between=range_)
    if place.position is not None:
        if len(place.position) != len(whole.sort) + 1:
            raise InvalidValue("This page link is not of this order; search anew", "_cursor")
        values.update({f"after{number}": value for number, value in enumerate(place.position[:-1])})
        values["after_row"] = place.position[-1]
    return whole, values


def _ending(queries: Sequence[Query], compartment: Compartment | None) -> tuple[SortShape, ...]:
    """Return what puts the matches of several types in one order where they are equal by the keys of the query."""
    shapes = [plan(query, compartment=compartment, ending=())[0] for query in queries]
    found = {tie(shape) for shape in shapes}
    if len(found) == 1:
        return found.pop()
    return (PLACE,) if all(shape.of_all and not shape.sort for shape in shapes) else ()


class _Cut:
    """The rows of a page: columns of a match, the total, and a value for each sort key.

    Args:
        rows: In any order, one more than the page holds if there are more.
        columns: How many columns of a match there are.
        row: Which of them is the row number.
        whole: What is asked.
        limit: The most rows of the page.
    """

    def __init__(self, rows: Sequence[Row], columns: int, row: int, whole: QueryShape, limit: int) -> None:
        # By the keys in turn, then by the row number. Texts compare by code point here as in both databases.
        found = sorted(rows, key=itemgetter(row), reverse=whole.falling)
        keys = whole.sort
        for number in range(len(keys) - 1, -1, -1):
            found.sort(key=itemgetter(columns + 1 + number), reverse=keys[number].descending)
        self.more = len(found) > limit
        self.shown = found[-limit:] if whole.backwards else found[:limit]
        self.counted: int = found[0][columns] if found else 0
        self.positions = [(*one[columns + 1 :], one[row]) for one in self.shown]

    def page(self, matches: Sequence[Stored], whole: QueryShape) -> Page:
        """Return the page, which holds `matches`."""
        # Whoever comes from a place has been on a page beyond it.
        more_before = self.more if whole.backwards else whole.after
        more_after = whole.after if whole.backwards else self.more
        after = self.positions[-1] if more_after and matches else None
        before = self.positions[0] if more_before and matches else None
        return Page(matches, _told(self.counted, whole), after, self.positions, before)


def _told(counted: int, whole: QueryShape) -> int | None:
    """Return the total that is told: none rather than a wrong one."""
    unknown = whole.total == "none" or (whole.total == "capped" and counted > MOST_COUNTED)
    return None if unknown else counted


def _patient(whole: QueryShape, values: Mapping[str, Any]) -> int | None:
    """Return the hash of the Patient whose record is searched; None when no one patient's is."""
    return None if whole.scope is None else values[f"c{whole.scope}_0_target0"]


async def _from_memory(
    connection: Connection, visibility: Visibility, whole: QueryShape, scope: Scope, values: Mapping[str, Any]
) -> Page | None:
    """Return a page whose bodies are all in memory; None when one is not, or nothing of the patient is."""
    patient = _patient(whole, values)
    kept = connection.versions.of(patient) if connection.versions is not None and patient is not None else None
    if kept is None:
        return None
    rows = await connection.fetch(keys(visibility, whole, scope), values)
    if not rows and whole.after:
        # The total is to be counted.
        return None
    cut = _Cut(rows, len(KEYS), 0, whole, values["limit"] - 1)
    matches = []
    for row in cut.shown:
        one = kept.get((row[0], row[1]))
        if one is None:
            return None
        matches.append(one.labelled(row[2]))
    return cut.page(matches, whole)


async def _by_date(
    connection: Connection, visibility: Visibility, whole: QueryShape, scope: Scope, values: Mapping[str, Any]
) -> Sequence[Row] | None:
    """Return the rows of a page in the order of a date; None when it is not found without a look at all matches."""
    if whole.total == "accurate" or way(whole) != "date":
        return None
    # What has no date comes last: it is not walked by.
    if (whole.backwards and not whole.after) or abs(values.get("after0", 0)) >= NO_VALUE:
        return None
    rows = await connection.fetch(attempt(visibility, whole, scope), values)
    return rows if len(rows) == values["limit"] else None


async def search(
    connection: Connection,
    visibility: Visibility,
    query: Query,
    scope: Scope,
    *,
    limit: int,
    place: Place = FIRST,
    compartment: Compartment | None = None,
    ending: tuple[SortShape, ...] | None = None,
) -> Page:
    """Return a page of what matches `query` and exists for the caller.

    Args:
        connection: Where to read.
        visibility: What exists.
        query: What is asked.
        scope: From a Patient to the patient keys of the person.
        limit: The most matches on the page; with 0 matches are counted, all of them.
        place: Where the page lies.
        compartment: What the matches must belong to.
        ending: What puts in order what is equal by the keys of the query; by default what it is walked by.
    """
    whole, values = plan(query, place, compartment, ending)
    values.update(visibility.values)
    if limit == 0:
        rows = await connection.fetch(count(visibility, whole, scope), values)
        return Page([], rows[0][0] if rows else 0, None)
    values["limit"] = limit + 1
    found = await _from_memory(connection, visibility, whole, scope, values)
    if found is not None:
        return found
    rows = await _by_date(connection, visibility, whole, scope, values) or await connection.fetch(
        page(visibility, whole, scope), values
    )
    if not rows and place.position is not None and query.total != "none":
        # What was to come is gone, and with it the column that tells the total.
        nowhere = Place(as_of=place.as_of)
        return await search(connection, visibility, query, scope, limit=0, place=nowhere, compartment=compartment)
    cut = _Cut(rows, len(COLUMNS), 3, whole, limit)
    matches = [stored(row) for row in cut.shown]
    patient = _patient(whole, values)
    if connection.versions is not None and patient is not None:
        connection.versions.keep(patient, matches)
    return cut.page(matches, whole)


async def search_types(
    connection: Connection,
    visibility: Visibility,
    queries: Sequence[Query],
    scope: Scope,
    *,
    limit: int,
    place: Place = FIRST,
    compartment: Compartment | None = None,
) -> Page:
    """Return a page of what matches one of several queries, each for its own type, in one order.

    Args:
        connection: Where to read.
        visibility: What exists.
        queries: The same question to each type.
        scope: From a Patient to the patient keys of the person.
        limit: The most matches on the page.
        place: Where the page lies.
        compartment: What the matches must belong to.

    Raises:
        InvalidValue: they sort by parameters of one name that are of several types.
    """
    if len(queries) == 1:
        (query,) = queries
        return await search(connection, visibility, query, scope, limit=limit, place=place, compartment=compartment)
    orders = {tuple((comparable(key.type), key.descending) for key in _sort(query.sort)) for query in queries}
    if len(orders) > 1:
        raise InvalidValue("_sort: the types do not have this parameter in common", "_sort")
    ending = _ending(queries, compartment)
    pages = [
        await search(
            *(connection, visibility, query, scope), limit=limit, place=place, compartment=compartment, ending=ending
        )
        for query in queries
    ]
    (order,) = orders
    return _merged(pages, [*(falling for _, falling in order), *(key.descending for key in ending)], place, limit)


def _merged(pages: Sequence[Page], order: Sequence[bool], place: Place, limit: int) -> Page:
    """Return one page of the pages of several types; `order` says for each key whether the greatest comes first."""
    found = [one for page in pages for one in zip(page.positions, page.matches, strict=True)]
    found.sort(key=lambda one: one[0][-1], reverse=bool(order) and order[-1])
    for number in range(len(order) - 1, -1, -1):
        found.sort(key=lambda one: one[0][number], reverse=order[number])
    shown = found[max(0, len(found) - limit) :] if place.backwards else found[:limit]
    positions = [position for position, _ in shown]
    cut = len(found) > limit
    before = positions[0] if shown and ((cut and place.backwards) or any(page.before for page in pages)) else None
    after = positions[-1] if shown and ((cut and not place.backwards) or any(page.after for page in pages)) else None
    totals = [page.total for page in pages]
    total = None if None in totals else sum(one for one in totals if one is not None)
    return Page([match for _, match in shown], total, after, positions, before)


async def places(
    connection: Connection, visibility: Visibility, query: Query, scope: Scope, *, after_row: int, limit: int
) -> Sequence[Row]:
    """Return where matches of `query` lie, in the order of their rows: patient key, row, size, row, version.

    Args:
        connection: Where to read.
        visibility: What exists.
        query: What is asked; its order and its pages do not count here.
        scope: From a Patient to the patient keys of the person.
        after_row: The row before these.
        limit: The most matches.
    """
    whole, values = plan(query, ending=())
    values |= {**visibility.values, "limit": limit, "after_row": after_row}
    return await connection.fetch(places_statement(visibility, whole, scope), values)
