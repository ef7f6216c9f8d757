"""Long walks over what exists for a caller: first where it lies and how large it is, then the bodies, chunk by chunk.

So a walk's memory is bounded whatever the bodies' sizes, and each chunk is read under the visibility of its moment.
"""

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    Table,
    and_,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
)

from fhir.spec.search_parameters import parameters
from fhir.store.connection import Connection, Visibility
from fhir.store.everything import Scope, asked_of_person, of_person, of_types
from fhir.store.facts import date_parameters
from fhir.store.read import COLUMNS, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import (
    CURRENT_VERSION,
    NO_DATE,
    NO_PATIENT,
    index_date,
    index_token,
    index_uri,
    resource,
    resource_id,
    resource_version,
)
from fhir.store.types import NUMBERS

CHUNK_BYTES = 1_000_000
"""Of bodies that are held at once; a single one may be larger."""

HASHES = 32
"""References that one statement looks up."""

MOST_VALUES = 1_000
"""Profiles, and tags and labels, that are told of at most."""

_EARLIEST, _LATEST = -(2**63), 2**63 - 1
_START, _END = bindparam("start", type_=BigInteger), bindparam("end", type_=BigInteger)


class Span(NamedTuple):
    """Which resources are wanted by time; instants in microseconds since 1970 UTC, intervals half-open."""

    since: int = 0
    """Changed at this instant or later."""
    start: int = _EARLIEST
    """Care at this instant or later; what has no date is wanted whatever is asked."""
    end: int = _LATEST
    """Care before this instant."""


class Key(NamedTuple):
    """Where a resource lies."""

    patient_key: int
    row: int
    size: int
    """Bytes of its body."""
    order: int
    """What it is ordered by: its clinical date, or when it was changed last."""
    version: int
    type_number: int = 0


class Size(NamedTuple):
    """How many rows a statement looks up, of how many patient keys: it tries each row under each key."""

    patients: int
    rows: int


_MANY, _FEW = Size(64, 64), Size(8, 500)
"""For places of many patients, and of few: a person's, or nobody's."""

CHUNK_ROWS = _FEW.rows
"""The most rows of a chunk."""


def chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """Yield `keys` in chunks whose bodies may be held, and looked up, at once."""
    begin = size = 0
    patients: set[int] = set()
    for number, key in enumerate(keys):
        patients.add(key.patient_key)
        rows = (_MANY if len(patients) > _FEW.patients else _FEW).rows
        if number > begin and (number - begin >= rows or size + key.size > CHUNK_BYTES):
            yield keys[begin:number]
            begin, size, patients = number, 0, {key.patient_key}
        size += key.size
    if keys:
        yield keys[begin:]


def _where(order: Any) -> Select[tuple[Any, ...]]:
    size = func.length(resource_version.c.body)
    return (
        select(resource.c.patient_key, resource.c.row, size, order, resource.c.version, resource.c.type)
        .select_from(resource)
        .join(resource_version, CURRENT_VERSION)
        .where(resource.c.deleted == 0, resource.c.last_updated >= bindparam("since", type_=BigInteger))
    )


def _lasting(types: tuple[int, ...]) -> Any:
    """Return whether the care that a resource speaks of lasted into the time that is wanted."""
    known = date_parameters(types)
    if not known:
        return false()
    return exists().where(
        index_date.c.parameter.in_([literal_column(str(number)) for number in known]),
        index_date.c.patient_key == resource.c.patient_key,
        index_date.c.row == resource.c.row,
        index_date.c.version == resource.c.version,
        index_date.c.hi > _START,
    )


@by_shape
def _keys_of_person(
    visibility: Visibility, scope: Scope, types: tuple[int, ...], dated: bool
) -> Select[tuple[Any, ...]]:
    date = resource.c.clinical_date
    found = _where(date)
    if dated:
        found = found.where(or_(date == NO_DATE, and_(date < _END, or_(date >= _START, _lasting(types)))))
    return of_person(found, visibility, scope, types)


async def keys_of_person(
    connection: Connection,
    visibility: Visibility,
    scope: Scope,
    patient_id: str,
    types: Sequence[str],
    span: Span,
    *,
    limit: int,
    before: tuple[int, int],
) -> list[Key]:
    """Return where at most `limit` resources lie of the person who has a Patient with this id, the newest first.

    Args:
        connection: Where to read.
        visibility: What exists.
        scope: From the Patient to the patient keys of the person.
        patient_id: The id of one of the person's Patients.
        types: The resource types that are wanted.
        span: The times that are wanted.
        limit: The most keys.
        before: Clinical date and row of the last one before these; `everything.NEWEST` at the beginning.
    """
    numbers = tuple(sorted(NUMBERS[name] for name in types))
    dated = span.start != _EARLIEST or span.end != _LATEST
    values = {**asked_of_person(visibility, patient_id, limit=limit, before=before), **span._asdict()}
    return [Key(*row) for row in await connection.fetch(_keys_of_person(visibility, scope, numbers, dated), values)]


@by_shape
def _referred_keys(visibility: Visibility, types: tuple[int, ...]) -> Select[tuple[Any, ...]]:
    hashes = [bindparam(f"hash{number}", type_=BigInteger()) for number in range(HASHES)]
    named = select(resource_id.c.row).where(resource_id.c.hash.in_(hashes), resource_id.c.patient_key == NO_PATIENT)
    return _where(resource.c.row).where(
        resource.c.patient_key == NO_PATIENT,
        resource.c.row.in_(named),
        of_types(types),
        visibility.condition(resource),
    )


async def referred_keys(
    connection: Connection, visibility: Visibility, hashes: Sequence[int], types: Sequence[str], span: Span
) -> list[Key]:
    """Return where the resources lie, of no patient, that references of at most `HASHES` hashes mean.

    The record of another patient is never among them: a reference to it is no reason to give it out.
    """
    numbers = tuple(sorted(NUMBERS[name] for name in types))
    padded = [*hashes, *[hashes[0]] * (HASHES - len(hashes))]
    values = {**visibility.values, "since": span.since, **{f"hash{number}": one for number, one in enumerate(padded)}}
    found = [Key(*row) for row in await connection.fetch(_referred_keys(visibility, numbers), values)]
    # A database gives them in any order, and an order that what is hidden has a part in would tell of it.
    return sorted(found, key=attrgetter("row"))


def _one_each(visibility: Visibility, table: Table, numbers: Sequence[int], *value: str) -> Select[tuple[Any, ...]]:
    """Return where one visible resource lies for each value in an index."""
    number = func.row_number().over(partition_by=[table.c[name] for name in value], order_by=table.c.row)
    found = (
        select(table.c.patient_key, table.c.row, number.label("number"))
        .join(
            resource,
            and_(
                resource.c.patient_key == table.c.patient_key,
                resource.c.row == table.c.row,
                resource.c.version == table.c.version,
            ),
        )
        .where(
            table.c.parameter.in_([literal_column(str(one)) for one in numbers]),
            resource.c.deleted == 0,
            visibility.condition(resource),
        )
        .subquery()
    )
    size = func.length(resource_version.c.body)
    return (
        select(resource.c.patient_key, resource.c.row, size, resource.c.row, resource.c.version)
        .select_from(found)
        .join(resource, and_(resource.c.patient_key == found.c.patient_key, resource.c.row == found.c.row))
        .join(resource_version, CURRENT_VERSION)
        .where(found.c.number == 1, visibility.condition(resource))
        .order_by(resource.c.row)
        .limit(MOST_VALUES)
    )


@by_shape
def _with_codings(visibility: Visibility, types: tuple[str, ...]) -> Select[tuple[Any, ...]]:
    numbers = [parameters(name)[code].id for name in types for code in ("_tag", "_security")]
    return _one_each(visibility, index_token, numbers, "code_hash", "system_hash")


@by_shape
def _with_profiles(visibility: Visibility, types: tuple[str, ...]) -> Select[tuple[Any, ...]]:
    return _one_each(visibility, index_uri, [parameters(name)["_profile"].id for name in types], "value")


async def keys_with_meta(connection: Connection, visibility: Visibility, types: Sequence[str]) -> list[Key]:
    """Return where one resource of the types lies for each profile, tag and label; at most `MOST_VALUES` of a kind."""
    found: dict[int, Key] = {}
    for of_kind in (_with_codings, _with_profiles):
        statement = of_kind(visibility, tuple(types))
        for row in await connection.fetch(statement, visibility.values):
            found[row[1]] = Key(*row)
    return list(found.values())


_AFTER, _AFTER_ROW = bindparam("after_order", type_=BigInteger), bindparam("after_row", type_=BigInteger)
_LAST, _LAST_ROW = bindparam("last_order", type_=BigInteger), bindparam("last_row", type_=BigInteger)
_OF_TYPE = and_(
    resource.c.type == bindparam("type", type_=SmallInteger),
    resource.c.last_updated >= _AFTER,
    or_(resource.c.last_updated > _AFTER, resource.c.row > _AFTER_ROW),
)
_WINDOW_END = (
    select(resource.c.last_updated, resource.c.row)
    .where(_OF_TYPE)
    .order_by(resource.c.last_updated, resource.c.row)
    .offset(bindparam("window", type_=Integer))
    .limit(1)
)


@by_shape
def _keys_of_type(visibility: Visibility, of_patients: bool) -> Select[tuple[Any, ...]]:
    changed = resource.c.last_updated
    found = _where(changed).where(
        _OF_TYPE, changed <= _LAST, or_(changed < _LAST, resource.c.row <= _LAST_ROW), visibility.condition(resource)
    )
    if of_patients:
        found = found.where(resource.c.patient_key != NO_PATIENT)
    return found.order_by(changed, resource.c.row)


async def keys_of_type(
    connection: Connection,
    visibility: Visibility,
    type_name: str,
    *,
    of_patients: bool,
    after: tuple[int, int],
    window: int,
) -> tuple[list[Key], tuple[int, int] | None]:
    """Return where resources of a type lie, by when they were changed last, and where the window after them begins.

    Of `window` resources those that exist for the caller are found: a scan of what is hidden ends as soon as any other.
    The place where it ended is for the hub alone; it is None after the last window.

    Args:
        connection: Where to read.
        visibility: What exists.
        type_name: Their type.
        of_patients: Whether only what belongs to patients is wanted.
        after: Last change and row of the one before these.
        window: How many resources are looked at.
    """
    place = {"type": NUMBERS[type_name], "after_order": after[0], "after_row": after[1]}
    ends = await connection.fetch(_WINDOW_END, {**place, "window": window - 1})
    last = (int(ends[0][0]), int(ends[0][1])) if ends else (_LATEST, _LATEST)
    values = {**visibility.values, **place, "since": 0, "last_order": last[0], "last_row": last[1]}
    rows = await connection.fetch(_keys_of_type(visibility, of_patients), values)
    return [Key(*row) for row in rows], last if ends else None


@by_shape
def _versions(visibility: Visibility, size: Size) -> Select[tuple[Any, ...]]:
    of_row = and_(resource_version.c.patient_key == resource.c.patient_key, resource_version.c.row == resource.c.row)
    return _at_keys(visibility, of_row, size).where(_among(resource_version.c.version, "version", size.rows))


@by_shape
def _bodies(visibility: Visibility, size: Size) -> Select[tuple[Any, ...]]:
    return _at_keys(visibility, CURRENT_VERSION, size)


def _at_keys(visibility: Visibility, version: ColumnElement[bool], size: Size) -> Select[tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .select_from(resource)
        .join(resource_version, version)
        .where(
            _among(resource.c.patient_key, "key", size.patients),
            _among(resource.c.row, "row", size.rows),
            resource.c.deleted == 0,
            visibility.condition(resource),
        )
    )


def _among(column: ColumnElement[int], name: str, count: int) -> ColumnElement[bool]:
    return column.in_([bindparam(f"{name}{number}", type_=BigInteger()) for number in range(count)])


def _bound(name: str, values: Iterable[int], count: int) -> dict[str, int]:
    """Return the binds of `_among`; what is left over repeats the first value."""
    found = list(dict.fromkeys(values))
    return {f"{name}{number}": one for number, one in enumerate(found + found[:1] * (count - len(found)))}


async def bodies(
    connection: Connection, visibility: Visibility, keys: Sequence[Key], *, as_found: bool = False
) -> list[Stored]:
    """Return the versions at the keys of a chunk, in their order, without what does not exist any more.

    The current ones, or, when `as_found`, those that were current when the keys were found.
    """
    if not keys:
        return []
    size = _MANY if len(keys) <= _MANY.rows else _FEW
    values: dict[str, Any] = {
        **visibility.values,
        **_bound("key", (key.patient_key for key in keys), size.patients),
        **_bound("row", (key.row for key in keys), size.rows),
    }
    if not as_found:
        found = {row[3]: stored(row) for row in await connection.fetch(_bodies(visibility, size), values)}
        return [found[key.row] for key in keys if key.row in found]
    values |= _bound("version", (key.version for key in keys), size.rows)
    rows = await connection.fetch(_versions(visibility, size), values)
    versions = {(row[3], row[4]): stored(row) for row in rows}
    return [versions[key.row, key.version] for key in keys if (key.row, key.version) in versions]
