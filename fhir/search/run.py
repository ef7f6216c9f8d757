"""Runs a search: one statement for the page and its total, under the caller's visibility.

https://hl7.org/fhir/R4/search.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from fhir.errors import NotSupported
from fhir.search.predicates import TABLES, Shape
from fhir.search.query import Query, Sort
from fhir.search.shapes import AnyShape, planned
from fhir.search.statement import KEYS, QueryShape, Scope, SortShape, count, keys, page
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
        total: How many resources match in all.
        after: The sort values and the row of the last match when there are more, None on the last page.
    """

    matches: Sequence[Stored]
    total: int
    after: tuple[Any, ...] | None


def _scope(query: Query, criteria: Sequence[AnyShape]) -> int | None:
    """Return the number of a criterion that the patient key answers: one `patient` of a type that has a subject."""
    for number, criterion in enumerate(criteria):
        if not isinstance(criterion, Shape) or (criterion.code, criterion.type) != ("patient", "reference"):
            continue
        if criterion.modifier is None and len(criterion.values) == 1 and subject_element(query.type):
            return number
    return None


@lru_cache(maxsize=1024)
def _sort(keys: tuple[Sort, ...]) -> tuple[SortShape, ...]:
    for key in keys:
        if key.parameter.type not in TABLES:
            raise NotSupported(f"_sort by {key.parameter.code} is not supported", "_sort")
    return tuple(SortShape(key.parameter.id, key.parameter.type, key.parameter.code, key.descending) for key in keys)


def plan(query: Query, after: Sequence[Any] | None) -> tuple[QueryShape, dict[str, Any]]:
    """Return the shape of a query and the values of its binds.

    Raises:
        NotSupported: it sorts by a parameter without an order.
    """
    criteria: list[AnyShape] = []
    values: dict[str, Any] = {"type": NUMBERS[query.type]}
    for number, criterion in enumerate(query.criteria):
        made, binds = planned(criterion, query.type, str(number))
        criteria.append(made)
        values.update(binds)
    sort = _sort(query.sort)
    if after is not None:
        values.update({f"after{number}": value for number, value in enumerate(after[:-1])})
        values["after_row"] = after[-1]
    whole = QueryShape(NUMBERS[query.type], tuple(criteria), sort, _scope(query, criteria), after is not None)
    return whole, values


class _Cut:
    """The rows of a page: columns of a match, the total, and a value for each sort key.

    Args:
        rows: In any order, one more than the page holds if there are more.
        columns: How many columns of a match there are.
        row: Which of them is the row number.
        keys: The sort keys.
        limit: The most rows of the page.
    """

    def __init__(self, rows: Sequence[Row], columns: int, row: int, keys: Sequence[SortShape], limit: int) -> None:
        # By the keys in turn, then by the row number. Texts compare by code point here as in both databases.
        found = sorted(rows, key=itemgetter(row))
        for number in range(len(keys) - 1, -1, -1):
            found.sort(key=itemgetter(columns + 1 + number), reverse=keys[number].descending)
        self.shown = found[:limit]
        self.total: int = found[0][columns] if found else 0
        self.after: tuple[Any, ...] | None = None
        if len(found) > limit:
            last = self.shown[-1]
            self.after = (*last[columns + 1 :], last[row])


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
    cut = _Cut(rows, len(KEYS), 0, whole.sort, values["limit"] - 1)
    matches = []
    for row in cut.shown:
        one = kept.get((row[0], row[1]))
        if one is None:
            return None
        matches.append(one.labelled(row[2]))
    return Page(matches, cut.total, cut.after)


async def search(
    connection: Connection,
    visibility: Visibility,
    query: Query,
    scope: Scope,
    *,
    limit: int,
    after: Sequence[Any] | None = None,
) -> Page:
    """Return a page of what matches `query` and exists for the caller.

    Args:
        connection: Where to read.
        visibility: What exists.
        query: What is asked.
        scope: From a Patient to the patient keys of the person.
        limit: The most matches on the page.
        after: `Page.after` of the page before.
    """
    whole, values = plan(query, after)
    values.update(visibility.values)
    if limit == 0:
        rows = await connection.fetch(count(visibility, whole, scope), values)
        return Page([], rows[0][0] if rows else 0, None)
    values["limit"] = limit + 1
    found = await _from_memory(connection, visibility, whole, scope, values)
    if found is not None:
        return found
    rows = await connection.fetch(page(visibility, whole, scope), values)
    cut = _Cut(rows, len(COLUMNS), 3, whole.sort, limit)
    matches = [stored(row) for row in cut.shown]
    patient = _patient(whole, values)
    if connection.versions is not None and patient is not None:
        connection.versions.keep(patient, matches)
    return Page(matches, cut.total, cut.after)
