"""Reading a resource or one of its versions, under a visibility.

https://hl7.org/fhir/R4/http.html#read
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    SmallInteger,
    Text,
    and_,
    bindparam,
    literal_column,
    select,
)

from fhir.search.hashing import hash64
from fhir.store.connection import Connection, Row, Visibility
from fhir.store.in_order import by_hash, in_order
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import resource, resource_id, resource_version
from fhir.store.types import NUMBERS

COLUMNS = (
    resource.c.type,
    resource.c.id,
    resource.c.patient_key,
    resource.c.row,
    resource_version.c.version,
    resource.c.custodian,
    resource.c.labels,
    resource_version.c.last_updated,
    resource_version.c.method,
    resource_version.c.body,
)
LAST_BODY = and_(
    resource_version.c.patient_key == resource.c.patient_key,
    resource_version.c.row == resource.c.row,
    # A deletion has no body: what it hides is read off the version before.
    resource_version.c.version == resource.c.version - resource.c.deleted,
)
"""What joins a resource with the last version that has a body."""

_WIDTH = len(COLUMNS)


def stored(row: Row) -> Stored:
    """Return the version in a row that begins with `COLUMNS`."""
    return Stored._make(row[:_WIDTH])


def is_named(visibility: Visibility) -> ColumnElement[bool]:
    """Return whether a resource is that with `hash`, `type` and `id`, and exists for the caller."""
    return and_(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
        visibility.condition(resource),
    )


def _by_id(visibility: Visibility) -> Select[tuple[object, ...]]:
    """Return the versions of the resource with `hash`, `type` and `id`, if it exists for the caller."""
    versions = in_order(
        by_hash(resource),
        resource_version,
        and_(resource_version.c.patient_key == resource.c.patient_key, resource_version.c.row == resource.c.row),
    )
    return select(*COLUMNS).select_from(versions).where(is_named(visibility))


@by_shape
def _which(visibility: Visibility) -> Select[tuple[object, ...]]:
    """Return which version is the current one, for a resource whose body is in memory; its labels may have changed."""
    columns = (resource.c.row, resource.c.version, resource.c.labels)
    return select(*columns).select_from(by_hash(resource)).where(is_named(visibility))


@by_shape
def _current(visibility: Visibility) -> Select[tuple[object, ...]]:
    return _by_id(visibility).where(resource_version.c.version == resource.c.version)


def _of_version(visibility: Visibility) -> Select[tuple[object, ...]]:
    return _by_id(visibility).where(resource_version.c.version == bindparam("version", type_=Integer))


_one_version = by_shape(_of_version)


@by_shape
def _then(visibility: Visibility) -> Select[tuple[object, ...]]:
    """Return the version of an instant, of a resource that is still there."""
    before = resource_version.c.last_updated <= bindparam("as_of", type_=BigInteger)
    return (
        _by_id(visibility)
        .where(before, resource.c.deleted == 0)
        .order_by(resource_version.c.version.desc())
        .limit(literal_column("1"))
    )


@by_shape
def _undo(visibility: Visibility) -> Select[tuple[object, ...]]:
    return _of_version(visibility).add_columns(resource_version.c.undo, resource_version.c.digest)


def named(visibility: Visibility, type_name: str, id_: str) -> dict[str, Any]:
    """Return the values of `is_named` and of the visibility."""
    return {
        **visibility.values,
        "hash": hash64(f"{type_name}/{id_}"),
        "type": NUMBERS[type_name],
        "id": id_,
    }


async def read(connection: Connection, visibility: Visibility, type_name: str, id_: str) -> Stored | None:
    """Return the current version, which may be a deletion, or None when none exists for the caller."""
    values = named(visibility, type_name, id_)
    if connection.versions is None:
        rows = await connection.fetch(_current(visibility), values)
        return stored(rows[0]) if rows else None
    kept = connection.versions.of(values["hash"])
    if kept is not None:
        rows = await connection.fetch(_which(visibility), values)
        if not rows:
            return None
        row, version, labels = rows[0]
        one = kept.get((row, version))
        if one is not None:
            return one.labelled(labels)
    rows = await connection.fetch(_current(visibility), values)
    if not rows:
        return None
    found = stored(rows[0])
    connection.versions.keep(values["hash"], (found,))
    return found


async def vread(
    connection: Connection, visibility: Visibility, type_name: str, id_: str, version: int
) -> Stored | None:
    """Return one version, or None when it does not exist for the caller."""
    values = {**named(visibility, type_name, id_), "version": version}
    rows = await connection.fetch(_one_version(visibility), values)
    return stored(rows[0]) if rows else None


async def read_as_of(
    connection: Connection, visibility: Visibility, type_name: str, id_: str, as_of: int
) -> Stored | None:
    """Return the version that a resource had at an instant in microseconds, or None when none exists for the caller."""
    rows = await connection.fetch(_then(visibility), {**named(visibility, type_name, id_), "as_of": as_of})
    return stored(rows[0]) if rows else None


async def received(
    connection: Connection, visibility: Visibility, type_name: str, id_: str, version: int
) -> tuple[Stored, bytes, bytes] | None:
    """Return a version with the script that restores the bytes as received and their SHA-256, or None."""
    values = {**named(visibility, type_name, id_), "version": version}
    rows = await connection.fetch(_undo(visibility), values)
    return (stored(rows[0]), rows[0][10], rows[0][11]) if rows else None
