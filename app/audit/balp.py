"""The FHIR AuditEvent of an event, as the Basic Audit Log Patterns of IHE say.

https://profiles.ihe.net/ITI/BALP/1.1.4/content.html
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from app.audit.entities import consents, entities_of, reference
from app.audit.patterns import AUTHORIZER, BALP, TERMINOLOGY, Coding, Pattern, coding
from app.audit.record import Event
from app.audit.transactions import kind_of, subtypes

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_APPLICATION_SERVER = coding(TERMINOLOGY + "security-source-type", "4", "Application Server")
_PROVIDER = coding(TERMINOLOGY + "v3-RoleClass", "PROV", "healthcare provider")
_RECORD_KEEPER = coding("http://snomed.info/sct", "159541003", "Record keeping/library clerk")
"""What BALP calls the custodian of disclosed records; the code `custodian` is the server's in its Delete."""


@dataclass(frozen=True, slots=True)
class Observer:
    """The hub, as it names itself in its audit events."""

    reference: str
    """A reference to its Device: `Device/hub`."""
    address: str
    """The base URL it answers under."""
    site: str | None = None
    """Its name within the region."""


def audit_event(event: Event, *, id: str, observer: Observer) -> dict[str, Any]:
    """Return the AuditEvent of an event.

    It names the BALP profile in `meta.profile` when it meets one. Failures meet none but those of decisions
    and disclosures; an event that lacks what a profile asks for (an address, an entity) names none either.

    Args:
        event: What happened; an erased one shows HMACs where identifiers were.
        id: The resource's id.
        observer: The hub.
    """
    pattern = kind_of(event)
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": id,
        "type": pattern.type,
        "subtype": subtypes(event, pattern),
        "action": event.action,
        "recorded": instant(event.recorded),
        "outcome": event.outcome,
        "agent": _agents(event, pattern, observer),
        "source": {
            **({"site": observer.site} if observer.site else {}),
            "observer": {"reference": observer.reference},
            "type": [_APPLICATION_SERVER],
        },
    }
    if event.outcome_desc:
        resource["outcomeDesc"] = event.outcome_desc
    if event.purpose and event.user is None:
        resource["purposeOfEvent"] = [_purpose(event.purpose)]
    if entities := entities_of(event, pattern):
        resource["entity"] = entities
    if profile := profile_of(event, pattern):
        resource["meta"] = {"profile": [BALP + profile]}
    return resource


def profile_of(event: Event, pattern: Pattern) -> str | None:
    """Return the BALP profile the event meets, if any."""
    profile = pattern.profile if event.patient is None else pattern.patient_profile
    needs = {
        "data": bool(event.entities),
        "query": event.method is not None or event.query is not None,
        "token": event.method is not None or event.query is not None,
        "consent": bool(consents(event) and event.user and event.organisation),
        "none": True,
    }
    succeeds = event.outcome == "0" or pattern.entities == "consent" or event.interaction == "export"
    complete = event.client is not None and event.network is not None and needs[pattern.entities]
    return profile if complete and succeeds and event.action == pattern.action else None


def instant(recorded: int) -> str:
    """Return microseconds since 1970 as a FHIR instant in UTC."""
    return (_EPOCH + timedelta(microseconds=recorded)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _agents(event: Event, pattern: Pattern, observer: Observer) -> list[dict[str, Any]]:
    agents = [_server(pattern, observer)]
    if event.client is not None or event.network is not None:
        agents.insert(0, _client(event, pattern))
    if event.user is not None:
        agents.append(_user(event, event.user, pattern))
    # The token's profile closes its list of agents; the others leave theirs open.
    if pattern.entities != "token":
        if event.organisation is not None:
            agents.append(_agent(_PROVIDER, event.organisation))
        if event.custodian is not None:
            agents.append(_agent(_RECORD_KEEPER, event.custodian))
    return agents


def _client(event: Event, pattern: Pattern) -> dict[str, Any]:
    agent = _agent(pattern.client, event.client or event.network or "")
    if event.network is not None:
        agent["network"] = {"address": event.network, "type": _network_type(event.network)}
    return agent


def _server(pattern: Pattern, observer: Observer) -> dict[str, Any]:
    agent = _agent(pattern.server, observer.reference)
    if pattern.server is not AUTHORIZER:
        agent["network"] = {"address": observer.address, "type": "5"}
    return agent


def _user(event: Event, user: str, pattern: Pattern) -> dict[str, Any]:
    agent = _agent(pattern.user, user) | {"requestor": True}
    if event.user_name:
        agent["name"] = event.user_name
    if event.role:
        system, bar, code = event.role.partition("|")
        agent["role"] = [{"coding": [{"system": system, "code": code}]} if bar else {"text": event.role}]
    if event.purpose:
        agent["purposeOfUse"] = [_purpose(event.purpose)]
    return agent


def _agent(role: Coding, who: str) -> dict[str, Any]:
    return {"type": {"coding": [role]}, "who": reference(who), "requestor": False}


def _purpose(code: str) -> dict[str, Any]:
    return {"coding": [{"system": TERMINOLOGY + "v3-ActReason", "code": code}]}


def _network_type(address: str) -> str:
    """Return 2 for an IP address, 1 for a machine's name.

    https://hl7.org/fhir/R4/valueset-network-type.html
    """
    try:
        ip_address(address)
    except ValueError:
        return "1"
    return "2"
