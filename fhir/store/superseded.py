"""Index rows of superseded versions: kept for the pages of searches that began before, then removed.

Nothing else believes them: whoever reads index rows joins the version that a resource has. What was superseded is read
off the order of changes, what its rows are off its body.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, and_, bindparam, or_, select

from fhir.resource import parse
from fhir.search.extract import Index
from fhir.search.internal import rows_of_deleted
from fhir.store.connection import Connection
from fhir.store.in_order import in_order
from fhir.store.stored import DELETE
from fhir.store.tables import index_reference, resource_change, resource_version
from fhir.store.write import REMOVE, Rows, index_rows, removal

Extract = Callable[[bytes], Index]
"""From a stored body to its index values."""


class Place(NamedTuple):
    """A place in the order of changes: an instant in microseconds since 1970 UTC, and a row."""

    instant: int
    row: int


class Superseded(NamedTuple):
    """A version after which another came; its body is empty if it was a deletion."""

    patient_key: int
    row: int
    version: int
    method: int
    body: bytes
    instant: int
    """When the other came."""


_after, _after_row = bindparam("after_instant", type_=BigInteger), bindparam("after_row", type_=BigInteger)
_SUPERSEDED = (
    select(
        resource_version.c.patient_key,
        resource_version.c.row,
        resource_version.c.version,
        resource_version.c.method,
        resource_version.c.body,
        resource_change.c.last_updated,
    )
    .select_from(
        in_order(
            resource_change,
            resource_version,
            and_(
                resource_version.c.patient_key == resource_change.c.patient_key,
                resource_version.c.row == resource_change.c.row,
                resource_version.c.version == resource_change.c.version - 1,
            ),
        )
    )
    .where(
        resource_change.c.version > 1,
        # Said apart, so that both databases begin there in the index.
        resource_change.c.last_updated >= _after,
        or_(resource_change.c.last_updated > _after, resource_change.c.row > _after_row),
        resource_change.c.last_updated < bindparam("until", type_=BigInteger),
    )
    .order_by(resource_change.c.last_updated, resource_change.c.row, resource_change.c.version)
    .limit(bindparam("limit", type_=Integer))
)
_BODIES = select(
    resource_version.c.patient_key,
    resource_version.c.row,
    resource_version.c.version,
    resource_version.c.method,
    resource_version.c.body,
    resource_version.c.last_updated,
).where(
    resource_version.c.patient_key == bindparam("key", type_=BigInteger),
    resource_version.c.row == bindparam("row", type_=BigInteger),
    resource_version.c.version < bindparam("version", type_=Integer),
)
_VERSION_BEFORE = select(resource_version.c.body).where(
    resource_version.c.patient_key == bindparam("key", type_=BigInteger),
    resource_version.c.row == bindparam("row", type_=BigInteger),
    resource_version.c.version == bindparam("version", type_=Integer),
)


async def superseded(connection: Connection, after: Place, *, until: int, limit: int) -> list[Superseded]:
    """Return at most `limit` versions, by when they were superseded: after a place, and before an instant."""
    values = {"after_instant": after.instant, "after_row": after.row, "until": until, "limit": limit}
    return [Superseded(*row) for row in await connection.fetch(_SUPERSEDED, values)]


async def versions_before(connection: Connection, patient_key: int, row: int, version: int) -> list[Superseded]:
    """Return the versions of a resource before one."""
    values = {"key": patient_key, "row": row, "version": version}
    return [Superseded(*found) for found in await connection.fetch(_BODIES, values)]


async def remove_index(connection: Connection, found: Sequence[Superseded], extract: Extract) -> Rows:
    """Remove the index rows of versions, as far as they are still there, and return them.

    Args:
        connection: Inside a write transaction.
        found: The versions.
        extract: Reads off a body what its index rows are.
    """
    removed: Rows = {}
    for one in found:
        rows = await _rows(connection, one) if one.method == DELETE else index_rows(extract(bytes(one.body)), *one[:3])
        for table, own in rows.items():
            removed.setdefault(table, []).extend(own)
    for table, own in removed.items():
        if own:
            await connection.execute_many(REMOVE[table], [removal(table, row) for row in own])
    return removed


async def _rows(connection: Connection, deletion: Superseded) -> Rows:
    """Return the index rows that a deletion has: those by which it takes over labels."""
    place = {"key": deletion.patient_key, "row": deletion.row, "version": deletion.version - 1}
    found = []
    for (body,) in await connection.fetch(_VERSION_BEFORE, place):
        found += [(number, target, *deletion[:3]) for number, target in rows_of_deleted(parse(bytes(body)))]
    return {index_reference: found}
