"""Removing versions for good. Whoever calls this has decided that it may, and records it in the same transaction."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Delete, Integer, Table, bindparam, delete, select

from fhir.errors import Conflict
from fhir.store.connection import Connection, WriteConnection
from fhir.store.forgotten import forget
from fhir.store.stored import Stored
from fhir.store.superseded import Extract, remove_index, versions_before
from fhir.store.tables import (
    NO_PATIENT,
    index_text,
    key_of_several,
    patient_chart,
    resource,
    resource_change,
    resource_id,
    resource_patient,
    resource_version,
)

_KEY, _ROW = bindparam("k_key", type_=BigInteger), bindparam("k_row", type_=BigInteger)


def _of_row(table: Table) -> Delete:
    return delete(table).where(table.c.patient_key == _KEY, table.c.row == _ROW)


_VERSIONS = _of_row(resource_version).where(resource_version.c.version < bindparam("k_version", type_=Integer))
_ALL_VERSIONS = _of_row(resource_version)
_RESOURCE = _of_row(resource).where(
    resource.c.version == bindparam("k_version", type_=Integer), resource.c.deleted == 1
)
_TIMES = select(resource_version.c.last_updated, resource_version.c.version).where(
    resource_version.c.patient_key == _KEY,
    resource_version.c.row == _ROW,
    resource_version.c.version < bindparam("k_version", type_=Integer),
)
_CHANGE = delete(resource_change).where(
    resource_change.c.last_updated == bindparam("k_instant", type_=BigInteger),
    resource_change.c.patient_key == _KEY,
    resource_change.c.row == _ROW,
    resource_change.c.version == bindparam("k_version", type_=Integer),
)
_ID = delete(resource_id).where(
    resource_id.c.hash == bindparam("k_hash", type_=BigInteger),
    resource_id.c.patient_key == _KEY,
    resource_id.c.row == _ROW,
)
_OTHERS = (
    select(resource.c.row)
    .where(resource.c.patient_key == bindparam("key", type_=BigInteger), resource.c.row != bindparam("key"))
    .limit(1)
)
_CHARTS = (
    select(patient_chart.c.key)
    .where(patient_chart.c.patient_key == bindparam("key", type_=BigInteger), patient_chart.c.key != bindparam("key"))
    .limit(1)
)
_SHARED = (
    select(resource_patient.c.row).where(resource_patient.c.patient_key == bindparam("key", type_=BigInteger)).limit(1)
)
_PATIENTS = select(resource_patient.c.patient_key).where(resource_patient.c.row == bindparam("row", type_=BigInteger))
_LEAVE_CHART = delete(patient_chart).where(
    patient_chart.c.patient_key == bindparam("k_patient", type_=BigInteger), patient_chart.c.key == _KEY
)
_LEAVE = delete(resource_patient).where(resource_patient.c.row == _ROW)


async def has_a_record(connection: Connection, patient_key: int) -> bool:
    """Return whether anything but the Patient itself belongs to a Patient."""
    for statement in (_OTHERS, _CHARTS, _SHARED):
        if await connection.fetch(statement, {"key": patient_key}):
            return True
    return False


async def remove_previous(connection: WriteConnection, current: Stored, extract: Extract) -> int:
    """Remove the versions before the current one, and return how many there were.

    Of a deleted resource the last version with a body stays: what it hides is read off it.

    Args:
        connection: Inside a write transaction.
        current: The current version.
        extract: Reads off a body what its index rows are.
    """
    before = current.version - int(current.deleted)
    await _remove_index(connection, current, before, extract)
    values = {"k_key": current.patient_key, "k_row": current.row, "k_version": before}
    await _leave_history(connection, values)
    return await connection.execute(_VERSIONS, values)


async def remove_deleted(connection: WriteConnection, deleted: Stored, hashed: int, extract: Extract) -> int:
    """Remove a deleted resource, all its versions and what it is found by; return how many versions there were.

    Args:
        connection: Inside a write transaction.
        deleted: The version that is its deletion.
        hashed: `hash64` of its reference.
        extract: Reads off a body what its index rows are.

    Raises:
        Conflict: it was written again meanwhile.
    """
    values = {"k_key": deleted.patient_key, "k_row": deleted.row}
    # First: whoever writes the resource at the same time waits for this row, or has been quicker.
    if not await connection.execute(_RESOURCE, {**values, "k_version": deleted.version}):
        raise Conflict("Another request changed the resource at the same time")
    await _remove_index(connection, deleted, deleted.version + 1, extract)
    await _leave_history(connection, {**values, "k_version": deleted.version + 1})
    count = await connection.execute(_ALL_VERSIONS, values)
    await connection.execute(_ID, {**values, "k_hash": hashed})
    await _leave_charts(connection, deleted)
    return count


async def _leave_history(connection: Connection, values: dict[str, int]) -> None:
    """Take the versions of a row before `k_version` out of the order of time."""
    times = await connection.fetch(_TIMES, values)
    rows = [{**values, "k_instant": instant, "k_version": version} for instant, version in times]
    if rows:
        await connection.execute_many(_CHANGE, rows)


async def _remove_index(connection: WriteConnection, one: Stored, before: int, extract: Extract) -> None:
    """Remove the index rows that versions of a resource before one have left, and what else they were found by."""
    found = await versions_before(connection, one.patient_key, one.row, before)
    rows = await remove_index(connection, found, extract)
    await forget(connection, rows.get(index_text, ()))


async def _leave_charts(connection: Connection, deleted: Stored) -> None:
    patients: Sequence[int] = ()
    if deleted.patient_key < NO_PATIENT:
        row = key_of_several(deleted.patient_key)
        patients = [key for (key,) in await connection.fetch(_PATIENTS, {"row": row})]
        await connection.execute(_LEAVE, {"k_row": row})
    elif deleted.patient_key == deleted.row:
        patients = [deleted.row]
    for patient in patients:
        await connection.execute(_LEAVE_CHART, {"k_patient": patient, "k_key": deleted.patient_key})
