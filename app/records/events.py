"""Gate 4: what a request tells the audit log: one event for each patient whose data it touched."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.audit.record import Event
from app.consent.break_glass.purpose import keys_behind_glass, purpose_of
from app.db import DatabaseConnection
from app.records.several import patients_of
from fhir.store.stored import Stored
from fhir.store.tables import NO_PATIENT

if TYPE_CHECKING:
    from app.records.request import Request

_WITH_ENTITIES = {
    "read",
    "vread",
    "create",
    "update",
    "patch",
    "delete",
    "transaction",
    "batch",
    "operation",
    "message",
    "provide",
    "publish",
    "generate-metadata",
    "retention",
    "iti-8",
    "iti-30",
    "iti-31",
    "hl7v2",
    "print",
}
"""Interactions whose events name resources; a search's event names the query, never its results."""


def audit_outcome(status: int) -> str:
    """Return the AuditEvent outcome of an HTTP status: success, minor or serious failure."""
    if status < 400:
        return "0"
    return "4" if status < 500 else "8"


def common(request: "Request", status: int) -> dict[str, Any]:
    """Return the members of every event of a request that is answered with `status`."""
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


async def _by_patient(connection: DatabaseConnection, versions: Sequence[Stored]) -> dict[int, list[Stored]]:
    """Return the versions by the patients they belong to; one of several patients is there for each."""
    keys = {version.patient_key for version in versions}
    if len(keys) == 1 and min(keys) >= NO_PATIENT:
        return {keys.pop(): list(versions)}
    found: dict[int, list[Stored]] = {}
    for version in versions:
        for key in sorted(await patients_of(connection, version.patient_key)):
            found.setdefault(key, []).append(version)
    return found


async def events(
    request: "Request", versions: Sequence[Stored], status: int, connection: DatabaseConnection | None = None
) -> list[Event]:
    """Return the events of a request that touched `versions` and is answered with `status`.

    Args:
        request: The request.
        versions: What it read or wrote.
        status: The HTTP status of its answer.
        connection: That of the write transaction, which sees what is not committed yet.
    """
    members = common(request, status)
    by_patient = await _by_patient(connection or request.hub.database.reader, versions)
    if not by_patient:
        return [Event(**members)]
    found = []
    keys = await keys_behind_glass(connection or request.hub.database.reader, request.caller)
    for patient_key, touched in by_patient.items():
        entities: tuple[str, ...] = ()
        if request.interaction in _WITH_ENTITIES:
            entities = tuple([f"{one.type}/{one.id}/_history/{one.version}" for one in touched])
        custodian = await request.hub.organisation_reference(touched[0].custodian)
        if patient_key > NO_PATIENT:
            patient = await request.hub.patient_reference(patient_key)
            members["patient"], members["patient_key"] = patient, patient_key
        else:
            members["patient"] = members["patient_key"] = None
        members["purpose"] = purpose_of(request.caller, keys, patient_key, touched[0].custodian)
        found.append(Event(**members, entities=entities, custodian=custodian))
    return found
