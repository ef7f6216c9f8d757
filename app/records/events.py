"""Gate 4: what a request tells the audit log: one event for each patient whose data it touched."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.audit.record import Event
from fhir.store.read import Stored
from fhir.store.tables import NO_PATIENT

if TYPE_CHECKING:
    from app.records.request import FhirRequest

_WITH_ENTITIES = {"read", "vread", "create", "update", "delete", "transaction", "batch", "operation"}
"""Interactions whose events name resources; a search's event names the query, never its results."""


def audit_outcome(status: int) -> str:
    """Return the AuditEvent outcome of an HTTP status: success, minor or serious failure."""
    if status < 400:
        return "0"
    return "4" if status < 500 else "8"


def _common(request: "FhirRequest", status: int) -> dict[str, Any]:
    caller = request.caller
    return {
        "recorded": request.now,
        "action": request.action,
        "interaction": request.interaction,
        "outcome": audit_outcome(status),
        "outcome_desc": None if status < 400 else str(status),
        "user": caller.user or None,
        "user_name": caller.user_title or None,
        "client": caller.client,
        "organisation": caller.organisation_reference,
        "role": caller.role,
        "purpose": caller.purpose,
        "network": request.network,
        "request_id": request.headers.get(b"x-request-id", b"").decode("latin-1")[:200] or None,
        "method": request.method,
        "path": request.path,
        "query": request.query_string.decode("latin-1") or None,
    }


async def events(request: "FhirRequest", versions: Iterable[Stored], status: int) -> list[Event]:
    """Return the events of a request that touched `versions` and is answered with `status`."""
    common = _common(request, status)
    by_patient: dict[int, list[Stored]] = {}
    for version in versions:
        by_patient.setdefault(version.patient_key, []).append(version)
    if not by_patient:
        return [Event(**common)]
    found = []
    for patient_key, touched in by_patient.items():
        entities: tuple[str, ...] = ()
        if request.interaction in _WITH_ENTITIES:
            entities = tuple([f"{one.type}/{one.id}/_history/{one.version}" for one in touched])
        custodian = await request.hub.organisation_reference(touched[0].custodian)
        if patient_key > NO_PATIENT:
            # A Patient that this very transaction creates is not there yet for any other reader.
            own = [one.id for one in touched if one.row == patient_key]
            patient = f"Patient/{own[0]}" if own else await request.hub.patient_reference(patient_key)
            common["patient"], common["patient_key"] = patient, patient_key
        else:
            common["patient"] = common["patient_key"] = None
        found.append(Event(**common, entities=entities, custodian=custodian))
    return found
