"""The secretariat's list of patients whose records are looked at by the curious: each access is flagged."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, delete, select

from app.access.caller import Caller
from app.access.events import by, event
from app.audit.desk.reviews import checked
from app.audit.desk.tables import watched_patient
from app.db import DatabaseConnection, WriteConnection
from app.hub import Hub
from fhir.errors import Conflict, NotFound
from fhir.store.tables import resource

MOST = 1_000
"""Patients on the list."""

LONGEST = 200
"""Characters of the reason."""

_TURN = 0x7761_7463
"""The key of the lock under which the list grows."""

_LIST = (
    select(
        *(watched_patient.c[name] for name in ("patient_key", "added", "added_by", "why")),
        resource.c.id,
        resource.c.custodian,
    )
    .join(
        resource, (resource.c.patient_key == watched_patient.c.patient_key) & (resource.c.row == resource.c.patient_key)
    )
    .order_by(watched_patient.c.added.desc())
)
_DROP = delete(watched_patient).where(watched_patient.c.patient_key == bindparam("k_key", type_=BigInteger))


@dataclass(frozen=True, slots=True)
class Watched:
    """A Patient on the list, in the order of `_LIST`."""

    patient_key: int
    added: int
    added_by: str
    why: str
    id: str
    custodian: int


async def watched(connection: DatabaseConnection) -> Sequence[Watched]:
    """Return the list, the newest first."""
    return [Watched(*row) for row in await connection.fetch(_LIST, {})]


async def watch(hub: Hub, caller: Caller, patient: str, patient_key: int, why: str, *, network: str) -> None:
    """Put a Patient's person on the list.

    Raises:
        InvalidValue: it is not said why.
        Conflict: the person's Patient is on it, or it is full.
    """
    words, now = checked(why, LONGEST, "why"), hub.clock()
    async with hub.database.write() as connection:
        await connection.lock(_TURN)
        listed = await watched(connection)
        if len(listed) >= MOST or any(one.patient_key == patient_key for one in listed):
            raise Conflict("The patient is on the list, or the list is full")
        await connection.insert(watched_patient, [(patient_key, now, caller.user, words)])
        await _tell(hub, connection, caller, patient, patient_key, f"Put on the list: {words}", network)


async def leave(hub: Hub, caller: Caller, patient: str, patient_key: int, why: str, *, network: str) -> None:
    """Take a Patient's person off the list.

    Raises:
        InvalidValue: it is not said why.
        NotFound: it is not on it.
    """
    words = checked(why, LONGEST, "why")
    async with hub.database.write() as connection:
        if not await connection.execute(_DROP, {"k_key": patient_key}):
            raise NotFound("The patient is not on the list")
        await _tell(hub, connection, caller, patient, patient_key, f"Taken off the list: {words}", network)


async def _tell(
    hub: Hub, connection: WriteConnection, caller: Caller, patient: str, patient_key: int, text: str, network: str
) -> None:
    said = event(hub, "admin", network=network, path="/watched", **by(caller), description=text)
    await hub.audit.stage(connection, [said._replace(patient=patient, patient_key=patient_key)])
