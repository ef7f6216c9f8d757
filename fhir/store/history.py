"""The versions of a resource, of a type, or of all types, the newest first, under a visibility.

https://hl7.org/fhir/R4/http.html#history
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FromClause, Integer, Select, SmallInteger, and_, bindparam, func, or_
from sqlalchemy import select as select_

from fhir.store.connection import Connection, Visibility
from fhir.store.in_order import by_hash, in_order
from fhir.store.read import COLUMNS, is_named, named, stored
from fhir.store.statements import by_shape
from fhir.store.stored import DELETE, Stored
from fhir.store.tables import resource, resource_change, resource_version
from fhir.store.types import NUMBERS

MOST_COUNTED = 10_000
"""Versions that a total counts; a history of more has none, because to count them costs more than to read a page."""

_VERSION = and_(
    resource_version.c.patient_key == resource.c.patient_key,
    resource_version.c.row == resource.c.row,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which versions are wanted.

    Attributes:
        type: The resource type; None for all types.
        id: The resource's id; None for all of the type.
        since: Only versions made at this instant or later, in microseconds since 1970 UTC.
        at: Only versions that were current at some time in `[lo, hi)`.
        after: The last version of the page before: its instant, row and number.
    """

    type: str | None = None
    id: str | None = None
    since: int | None = None
    at: tuple[int, int] | None = None
    after: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A page of history.

    Attributes:
        versions: The versions.
        again: Those of them, by their place, that brought a deleted resource back.
        after: The last one when there are more, for `Asked.after`.
    """

    versions: Sequence[Stored]
    again: frozenset[int]
    after: tuple[int, int, int] | None


Shape = tuple[bool, bool, bool, bool, bool]
"""Whether a type, an id, `since`, `at` and `after` are given."""


def _shape(asked: Asked) -> Shape:
    return (
        asked.type is not None,
        asked.id is not None,
        asked.since is not None,
        asked.at is not None,
        asked.after is not None,
    )


def _values(visibility: Visibility, asked: Asked) -> dict[str, Any]:
    values: dict[str, Any] = {**visibility.values}
    if asked.type is not None:
        values["type"] = NUMBERS[asked.type]
        if asked.id is not None:
            values |= named(visibility, asked.type, asked.id)
    if asked.since is not None:
        values["since"] = asked.since
    if asked.at is not None:
        values["at_lo"], values["at_hi"] = asked.at
    if asked.after is not None:
        values["after_instant"], values["after_row"], values["after_version"] = asked.after
    return values


def _bind(name: str) -> ColumnElement[Any]:
    return bindparam(name, type_=BigInteger)


def _rows(visibility: Visibility, with_type: bool, with_id: bool) -> tuple[FromClause, list[ColumnElement[bool]], Any]:
    """Return what is read, under which conditions, and the table whose columns say when a version was made."""
    if with_id:
        return in_order(by_hash(resource), resource_version, _VERSION), [is_named(visibility)], resource_version
    change = resource_change
    same = and_(resource.c.patient_key == change.c.patient_key, resource.c.row == change.c.row)
    found = in_order(
        in_order(change, resource, same),
        resource_version,
        and_(_VERSION, resource_version.c.version == change.c.version),
    )
    of_type = [change.c.type == bindparam("type", type_=SmallInteger)] if with_type else []
    return found, [*of_type, visibility.condition(resource)], change


def _before(made: Any) -> ColumnElement[bool]:
    """Return whether a version comes after the cursor: it is older."""
    instant, row, version = _bind("after_instant"), _bind("after_row"), bindparam("after_version", type_=Integer)
    return and_(
        # Said apart, so that both databases begin there in the index.
        made.c.last_updated <= instant,
        or_(
            made.c.last_updated < instant,
            made.c.row < row,
            and_(made.c.row == row, made.c.version < version),
        ),
    )


def _neighbours(step: int, column: str) -> ColumnElement[Any]:
    """Return a column of the version before (-1) or after (1) the one at hand."""
    other = resource_version.alias("before" if step < 0 else "next")
    found = select_(other.c[column]).where(
        other.c.patient_key == resource_version.c.patient_key,
        other.c.row == resource_version.c.row,
        other.c.version == resource_version.c.version + step,
    )
    return found.scalar_subquery()


def _found(visibility: Visibility, shape: Shape) -> tuple[FromClause, list[ColumnElement[bool]], Any]:
    with_type, with_id, since, at, _ = shape
    found, conditions, made = _rows(visibility, with_type, with_id)
    if since:
        conditions.insert(0, made.c.last_updated >= _bind("since"))
    if at:
        ended = _neighbours(1, "last_updated")
        conditions += [made.c.last_updated < _bind("at_hi"), or_(ended.is_(None), ended > _bind("at_lo"))]
    return found, conditions, made


@by_shape
def _page(visibility: Visibility, shape: Shape) -> Select[Any]:
    found, conditions, made = _found(visibility, shape)
    if shape[4]:
        conditions.insert(0, _before(made))
    return (
        select_(*COLUMNS, _neighbours(-1, "method").label("method_before"))
        .select_from(found)
        .where(*conditions)
        .order_by(made.c.last_updated.desc(), made.c.row.desc(), made.c.version.desc())
        .limit(bindparam("limit", type_=Integer))
    )


@by_shape
def _count(visibility: Visibility, shape: Shape) -> Select[Any]:
    found, conditions, made = _found(visibility, shape)
    some = select_(made.c.row).select_from(found).where(*conditions).limit(MOST_COUNTED + 1).subquery("s")
    # No row where there is nothing: the gate then looks whether the caller's rights are still current.
    return select_(func.count()).select_from(some).having(func.count() > 0)


async def page(connection: Connection, visibility: Visibility, asked: Asked, *, limit: int) -> Past:
    """Return at most `limit` of the versions wanted, the newest first."""
    values: Mapping[str, Any] = {**_values(visibility, asked), "limit": limit + 1}
    rows = await connection.fetch(_page(visibility, _shape(asked)), values)
    shown = rows[:limit]
    versions = [stored(row) for row in shown]
    again = frozenset([place for place, row in enumerate(shown) if row[-1] == DELETE])
    last = versions[-1] if len(rows) > limit and versions else None
    return Past(versions, again, (last.last_updated, last.row, last.version) if last is not None else None)


async def total(connection: Connection, visibility: Visibility, asked: Asked) -> int | None:
    """Return how many versions are wanted, whatever page is asked for; None when they are more than `MOST_COUNTED`."""
    shape = (*_shape(asked)[:4], False)
    rows = await connection.fetch(_count(visibility, shape), _values(visibility, asked))
    count = int(rows[0][0]) if rows else 0
    return count if count <= MOST_COUNTED else None
