"""What the audit log is told of persons that changed: one event for each Patient that was linked or parted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, select

from app.audit.record import Event
from app.db import DatabaseConnection
from app.records.events import common
from fhir.store.tables import resource

if TYPE_CHECKING:
    from app.records.request import Request

_CUSTODIAN = select(resource.c.custodian).where(
    resource.c.patient_key == bindparam("key", type_=BigInteger), resource.c.row == bindparam("key", type_=BigInteger)
)

LINKED = "Linked with other records as those of one person"


async def moved_events(
    request: "Request",
    connection: DatabaseConnection,
    moved: Sequence[int],
    *,
    interaction: str = "link",
    words: str = LINKED,
) -> list[Event]:
    """Return the events of Patients that are one person with others now, or no more.

    Args:
        request: On whose behalf.
        connection: That of the write, which sees Patients that are not committed yet.
        moved: Their keys.
        interaction: `link` or `unlink`.
        words: What was done, in words fit for the patient.
    """
    found = []
    for key in dict.fromkeys(moved):
        members = common(request, 200) | {"interaction": interaction, "action": "U"}
        reference = await request.hub.patient_reference(key)
        rows = await connection.fetch(_CUSTODIAN, {"key": key})
        custodian = await request.hub.organisation_reference(rows[0][0]) if rows else None
        entities = (reference,)
        found.append(
            Event(
                **members,
                patient=reference,
                patient_key=key,
                entities=entities,
                custodian=custodian,
                description=words,
            )
        )
    return found
