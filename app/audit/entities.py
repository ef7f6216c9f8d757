"""The entities of an AuditEvent: what was touched, asked or decided by, whose it is, and the request's id.

https://profiles.ihe.net/ITI/BALP/1.1.4/content.html
"""

import re
from base64 import b64encode
from typing import Any

from app.audit.patterns import TERMINOLOGY, Pattern, coding
from app.audit.record import ERASED, Event

_REFERENCE = re.compile(r"([A-Z][A-Za-z]+)/[A-Za-z0-9.\-]{1,64}(/_history/[A-Za-z0-9.\-]{1,64})?")

_OBJECT = coding(TERMINOLOGY + "audit-entity-type", "2", "System Object")
_PERSON = coding(TERMINOLOGY + "audit-entity-type", "1", "Person")
_PATIENT = coding(TERMINOLOGY + "object-role", "1", "Patient")
_RESOURCE = coding(TERMINOLOGY + "object-role", "4", "Domain Resource")
_QUERY = coding(TERMINOLOGY + "object-role", "24", "Query")
_RESOURCE_TYPES = "http://hl7.org/fhir/resource-types"
_REQUEST_ID = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "code": "XrequestId",
}


def entities_of(event: Event, pattern: Pattern) -> list[dict[str, Any]]:
    """Return the entities of an event, those its profile asks for first."""
    entities = _ENTITIES[pattern.entities](event)
    if event.patient is not None:
        entities.append({"what": reference(event.patient), "type": _PERSON, "role": _PATIENT})
    # The profiles of decisions and tokens close their list of entities.
    if event.request_id and pattern.entities not in ("consent", "token"):
        entities.append({"what": {"identifier": {"value": event.request_id}}, "type": _REQUEST_ID})
    return entities


def _data(event: Event) -> list[dict[str, Any]]:
    """Return what was touched: the first as the profile's one data entity, the others by their types."""
    first = [{"what": reference(one), "type": _OBJECT, "role": _RESOURCE} for one in event.entities[:1]]
    return first + [_typed(one) for one in event.entities[1:]]


def _query(event: Event) -> list[dict[str, Any]]:
    return _request(event) + [_typed(one) for one in event.entities]


def _request(event: Event) -> list[dict[str, Any]]:
    """Return the request as the query entity; the query itself shows only in base64, as it was received."""
    if event.method is None and event.query is None:
        return []
    line = f"{event.method or ''} {event.path or ''}".strip()
    parted = "\n\n" if event.method == "POST" else "?"
    whole = parted.join(one for one in (line, event.query) if one)
    entity: dict[str, Any] = {"type": _OBJECT, "role": _QUERY}
    if description := event.description or line:
        entity["description"] = description
    return [entity | {"query": b64encode(whole.encode()).decode()}]


def _decided_by(event: Event) -> list[dict[str, Any]]:
    return [{"what": reference(one), "type": {"system": _RESOURCE_TYPES, "code": "Consent"}} for one in consents(event)]


_ENTITIES = {"data": _data, "query": _query, "token": _request, "consent": _decided_by, "none": _data}


def _typed(entity: str) -> dict[str, Any]:
    matched = _REFERENCE.fullmatch(entity)
    if matched is None:
        return {"what": reference(entity), "role": _RESOURCE}
    of_type = {"system": _RESOURCE_TYPES, "code": matched[1]}
    return {"what": reference(entity), "type": of_type, "role": _RESOURCE}


def consents(event: Event) -> list[str]:
    """Return the Consents among what an event refers to."""
    return [one for one in event.entities if one.startswith("Consent/")]


def reference(value: str) -> dict[str, Any]:
    """Return a Reference: by URL when it is one, else by identifier."""
    if _REFERENCE.fullmatch(value):
        return {"reference": value}
    if value.startswith(ERASED):
        return {"identifier": {"system": "urn:renkei:audit-hmac", "value": value.removeprefix(ERASED)}}
    if value.startswith("urn:oid:"):
        return {"identifier": {"system": "urn:dicom:uid", "value": value}}
    return {"identifier": {"value": value}}
