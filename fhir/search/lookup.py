"""The SQL of includes: resources by what they are called, and by what they refer to; those that exist for the caller.

https://hl7.org/fhir/R4/search.html#revinclude
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, SmallInteger, and_, bindparam, literal_column, select

from fhir.store.connection import Connection, Visibility
from fhir.store.read import COLUMNS, stored
from fhir.store.statement import Statement
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, index_reference, resource, resource_id, resource_version

_CHUNK = 20
"""Hashes that one statement looks up; the last chunk repeats one to fill up."""

_HASHES = [f"hash{number}" for number in range(_CHUNK)]


def _binds() -> list[Any]:
    return [bindparam(name, type_=BigInteger()) for name in _HASHES]


def _current(visibility: Visibility, *, of_type: bool) -> Select[tuple[Any, ...]]:
    found = (
        select(*COLUMNS)
        .select_from(resource)
        .join(resource_version, CURRENT_VERSION)
        .where(resource.c.deleted == 0, visibility.condition(resource))
        .order_by(resource.c.row)
        .limit(bindparam("limit", type_=Integer))
    )
    return found.where(resource.c.type == bindparam("type", type_=SmallInteger)) if of_type else found


@by_shape
def _named(visibility: Visibility, of_type: bool) -> Select[tuple[Any, ...]]:
    """Return the resources with one of the hashes."""
    rows = select(resource_id.c.patient_key, resource_id.c.row).where(resource_id.c.hash.in_(_binds())).subquery()
    return _current(visibility, of_type=of_type).join(
        rows, and_(rows.c.patient_key == resource.c.patient_key, rows.c.row == resource.c.row)
    )


@by_shape
def _referring(visibility: Visibility, parameters: tuple[int, ...], of_type: bool) -> Select[tuple[Any, ...]]:
    """Return the resources that refer to one of the hashes by one of the parameters."""
    index = index_reference
    wanted = index.c.parameter.in_([literal_column(str(number)) for number in parameters])
    rows = (
        select(index.c.patient_key, index.c.row, index.c.version)
        .where(wanted, index.c.target_hash.in_(_binds()))
        .distinct()
        .subquery()
    )
    return _current(visibility, of_type=of_type).join(
        rows,
        and_(
            rows.c.patient_key == resource.c.patient_key,
            rows.c.row == resource.c.row,
            rows.c.version == resource.c.version,
        ),
    )


async def _fetch(
    connection: Connection,
    statement: Statement,
    visibility: Visibility,
    hashes: Iterable[int],
    type_number: int | None,
    most: int,
) -> list[Stored]:
    wanted = list(dict.fromkeys(hashes))
    values: dict[str, Any] = {**visibility.values, "limit": most}
    if type_number is not None:
        values["type"] = type_number
    found: list[Stored] = []
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        chunk += [chunk[0]] * (_CHUNK - len(chunk))
        rows = await connection.fetch(statement, {**values, **dict(zip(_HASHES, chunk, strict=True))})
        found += [stored(row) for row in rows]
        if len(found) >= most:
            return found[:most]
    return found


async def named(
    connection: Connection, visibility: Visibility, hashes: Iterable[int], *, type_number: int | None, most: int
) -> list[Stored]:
    """Return at most `most` resources with one of the hashes.

    Args:
        connection: Where to read.
        visibility: What exists.
        hashes: `hash64` of `Type/id` for each.
        type_number: The type they must be of; None for any.
        most: How many at most.
    """
    statement = _named(visibility, type_number is not None)
    return await _fetch(connection, statement, visibility, hashes, type_number, most)


async def referring(
    connection: Connection,
    visibility: Visibility,
    hashes: Iterable[int],
    *,
    parameters: Iterable[int],
    type_number: int | None,
    most: int,
) -> list[Stored]:
    """Return at most `most` resources that refer to one of the hashes.

    Args:
        connection: Where to read.
        visibility: What exists.
        hashes: `hash64` of `Type/id` for each target.
        parameters: The numbers of the search parameters by which they may refer.
        type_number: The type they must be of; None for any.
        most: How many at most.
    """
    statement = _referring(visibility, tuple(sorted(parameters)), type_number is not None)
    return await _fetch(connection, statement, visibility, hashes, type_number, most)
