"""Erases the details of a patient's records, where the law asks for it: the records stay, and so does the proof.

The salt goes, of which the patient's detail key is made, and the pointers that say whose the HMACs are. What is left is
that a record was there, when, of what kind, and under which HMACs; every leaf of the tree is as it was.
"""

from sqlalchemy import bindparam, delete, func, select, union_all, update

from app.access import epoch
from app.audit.pointer import ERASED, follow
from app.audit.record import Event, year_of
from app.audit.sealer import ERASURES
from app.audit.tables import audit_leaf, audit_pointer, audit_record, audit_salt
from app.clock import row_time
from app.db import WriteConnection
from app.hub import Hub

_OLDEST = union_all(select(func.min(audit_leaf.c.row)), select(func.min(audit_record.c.row)))
"""The leaves of records that retention has removed are there still, and so are the pointers of their patients."""

_POINTER = select(audit_pointer.c.pointer).where(audit_pointer.c.hash == bindparam("hash"))
_ERASE_POINTER = update(audit_pointer).where(audit_pointer.c.hash == bindparam("k_hash")).values(pointer=ERASED)
_ERASE_SALT = delete(audit_salt).where(audit_salt.c.patient_key == bindparam("k_key"))


class NobodyKnown(Exception):
    """The log has no details of such a patient, or they were erased before."""


async def erase(hub: Hub, patient: str, event: Event) -> None:
    """Erase the details of all records of a patient; every process forgets its keys within a moment.

    Args:
        hub: The running hub.
        patient: The site's Patient, as a reference: `Patient/4711`. It need not be stored any more.
        event: Tells of the erasure; its record is in the same transaction, and names no patient.

    Raises:
        NobodyKnown: nothing is there to erase.
    """
    async with hub.database.write() as connection:
        hashes = await _hashes(hub, connection, patient)
        keys = {key for _, key in hashes}
        if not sum([await connection.execute(_ERASE_SALT, {"k_key": key}) for key in sorted(keys)]):
            raise NobodyKnown(f"The log has no details of {patient}")
        await connection.execute_many(_ERASE_POINTER, [{"k_hash": hash_} for hash_, _ in sorted(hashes)])
        await epoch.grow(connection, ERASURES)
        await hub.audit.stage(connection, [event])
    await hub.audit.renew()


async def _hashes(hub: Hub, connection: WriteConnection, patient: str) -> list[tuple[int, int]]:
    """Return the HMACs of a patient that have a pointer, each with the patient's key that it leads to."""
    rows = [int(row) for (row,) in await connection.fetch(_OLDEST, {}) if row is not None]
    if not rows:
        return []
    found = []
    keys = hub.audit.keys
    for year in range(year_of(row_time(min(rows))), year_of(hub.clock()) + 1):
        for key in keys.ids:
            hash_ = keys.pseudonym("patient", patient, year, key)[1]
            for (pointer,) in await connection.fetch(_POINTER, {"hash": hash_}):
                leads = follow(keys, hash_, bytes(pointer), year, key)
                if leads is not None:
                    found.append((hash_, leads))
    return found
