"""Gate 4 of the DICOMweb doors: one event for each patient whose images were sent, found or shown.

https://profiles.ihe.net/ITI/BALP/1.1.4/content.html
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from app.audit.record import Event
from app.consent.break_glass.purpose import keys_behind_glass, purpose_of
from app.records.events import common, events

if TYPE_CHECKING:
    from app.records.request import Request
    from app.records.writing import Writing


class Touched(NamedTuple):
    """A study of a patient that a request touched."""

    patient_key: int
    custodian: int
    study_instance_uid: str


async def imaging_events(request: "Request", touched: Iterable[Touched], status: int) -> list[Event]:
    """Return the events of a request that touched studies and is answered with `status`.

    A search's event names the query, never what was found.
    """
    members = common(request, status)
    by_patient: dict[tuple[int, int], dict[str, None]] = {}
    for one in touched:
        by_patient.setdefault((one.patient_key, one.custodian), {})[one.study_instance_uid] = None
    if not by_patient:
        return [Event(**members)]
    caller = request.caller
    keys = await keys_behind_glass(request.hub.database.reader, caller)
    return [
        Event(
            **members | {"purpose": purpose_of(caller, keys, patient_key, custodian)},
            patient_key=patient_key,
            patient=await request.hub.patient_reference(patient_key),
            custodian=await request.hub.organisation_reference(custodian),
            entities=() if request.interaction in ("qido", "c-find") else tuple(f"urn:oid:{uid}" for uid in studies),
        )
        for (patient_key, custodian), studies in by_patient.items()
    ]


async def storing_events(request: "Request", touched: Iterable[Touched], writing: "Writing") -> list[Event]:
    """Return the events of a request that stored images: of its patients, and of the Endpoint that it made."""
    told = await imaging_events(request, touched, 200)
    for one in writing.written:
        if one.type == "Endpoint":
            # It is no patient's, so none of the others tells of it.
            (event,) = await events(request, [one], 200, writing.connection)
            told.append(event._replace(interaction="create", entities=(f"Endpoint/{one.id}/_history/{one.version}",)))
    return told
