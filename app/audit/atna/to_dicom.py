"""The audit message of DICOM (PS3.15, A.5) that an AuditEvent is; the mapping is FHIR's own, read backwards.

https://hl7.org/fhir/R4/auditevent-mappings.html#dicom
"""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from app.audit.atna.codes import name_of

Resource = Mapping[str, Any]

_FORBIDDEN = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535, *range(55296, 57344)))
"""What XML 1.0 has no way to write."""

_OBJECT_ID = {"system": "RFC-3881", "code": "9", "display": "Report Number"}
_PATIENT_NUMBER = {"system": "RFC-3881", "code": "2", "display": "Patient Number"}
_SEARCH = {"system": "RFC-3881", "code": "10", "display": "Search Criteria"}


def _text(value: object) -> str:
    return quoteattr(str(value).translate(_FORBIDDEN))


def _element(name: str, attributes: Mapping[str, Any], inner: Iterable[str] = ()) -> str:
    stated = "".join([f" {key}={_text(value)}" for key, value in attributes.items() if value not in (None, "")])
    content = "".join(inner)
    return f"<{name}{stated}>{content}</{name}>" if content else f"<{name}{stated}/>"


def _coded(name: str, coding: Resource) -> str:
    code = coding.get("code", "")
    system = name_of(coding.get("system", ""))
    display = coding.get("display") or code
    return _element(name, {"csd-code": code, "codeSystemName": system or "unknown", "originalText": display})


def _codings(concept: Resource) -> list[Resource]:
    return list(concept.get("coding", ())) or [{"code": concept.get("text", "")}]


def _named(reference: Resource) -> str:
    """Return what a Reference names: its address, or the value of its identifier."""
    found = reference.get("reference") or reference.get("identifier", {}).get("value") or reference.get("display", "")
    return str(found)


def _event(resource: Resource) -> str:
    stated = {
        "EventActionCode": resource.get("action"),
        "EventDateTime": resource["recorded"],
        "EventOutcomeIndicator": resource.get("outcome", "0"),
    }
    inner = [_coded("EventID", resource["type"])]
    inner += [_coded("EventTypeCode", one) for one in resource.get("subtype", ())]
    if resource.get("outcomeDesc"):
        said = str(resource["outcomeDesc"]).translate(_FORBIDDEN)
        inner.append(f"<EventOutcomeDescription>{escape(said)}</EventOutcomeDescription>")
    purposes = [*resource.get("purposeOfEvent", ())]
    purposes += [one for agent in resource.get("agent", ()) for one in agent.get("purposeOfUse", ())]
    codes = {str(one): one for purpose in purposes for one in _codings(purpose)}
    inner += [_coded("PurposeOfUse", one) for one in codes.values()]
    return _element("EventIdentification", stated, inner)


def _agent(agent: Resource) -> str:
    network = agent.get("network", {})
    stated = {
        "UserID": _named(agent.get("who", {})) or "unknown",
        "AlternativeUserID": agent.get("altId"),
        "UserName": agent.get("name"),
        "UserIsRequestor": str(bool(agent.get("requestor"))).lower(),
        "NetworkAccessPointID": network.get("address"),
        "NetworkAccessPointTypeCode": network.get("type"),
    }
    roles = [*_codings(agent["type"])] if "type" in agent else []
    roles += [one for role in agent.get("role", ()) for one in _codings(role)]
    return _element("ActiveParticipant", stated, [_coded("RoleIDCode", one) for one in roles])


def _source(source: Resource) -> str:
    stated = {
        "AuditEnterpriseSiteID": source.get("site"),
        "AuditSourceID": _named(source.get("observer", {})) or "unknown",
    }
    kinds = [_element("AuditSourceTypeCode", {"csd-code": one.get("code", "")}) for one in source.get("type", ())]
    return _element("AuditSourceIdentification", stated, kinds)


def _entity(entity: Resource) -> str:
    role = entity.get("role", {}).get("code", "")
    kind = entity.get("type", {}).get("code", "")
    id_type = {"1": _PATIENT_NUMBER, "24": _SEARCH}.get(role, _OBJECT_ID)
    stated = {
        "ParticipantObjectID": _named(entity.get("what", {})) or "unknown",
        "ParticipantObjectTypeCode": kind if kind in ("1", "2", "3", "4") else "2",
        "ParticipantObjectTypeCodeRole": role if role.isdigit() else None,
    }
    inner = [_coded("ParticipantObjectIDTypeCode", id_type)]
    if entity.get("query"):
        inner.append(f"<ParticipantObjectQuery>{escape(entity['query'])}</ParticipantObjectQuery>")
    elif entity.get("name"):
        said = escape(str(entity["name"]).translate(_FORBIDDEN))
        inner.append(f"<ParticipantObjectName>{said}</ParticipantObjectName>")
    return _element("ParticipantObjectIdentification", stated, inner)


def to_dicom(resource: Resource) -> bytes:
    """Return the XML of the audit message, in UTF-8, on one line."""
    parts = [_event(resource)]
    parts += [_agent(one) for one in resource.get("agent", ())]
    parts.append(_source(resource["source"]))
    parts += [_entity(one) for one in resource.get("entity", ())]
    text = _element("AuditMessage", {}, parts).replace("\n", "&#10;").replace("\r", "&#13;")
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()
