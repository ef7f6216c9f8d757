"""An event as the desk shows it: the hub's own and those of other systems in one form, for pages and for files.

No query is in it: what somebody typed may be a name.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

from app.audit.inbound.stored import Received
from app.audit.record import Event
from app.clock import in_japan
from app.comma import comma_separated

HUB = "hub"
_PATIENT = "1"


@dataclass(frozen=True, slots=True)
class Shown:
    """An event; the order is that of the columns of a file."""

    source: str
    """`hub`, or the site and the client that sent it: `hospital-a/pacs`."""
    record: int
    when: int
    """Microseconds since 1970 UTC."""
    user: str
    user_name: str
    role: str
    organisation: str
    """`Organization/<id>`, of another system's event empty."""
    client: str
    interaction: str
    """An interaction of the hub; of another system's event, what it calls it."""
    action: str
    patient: str
    custodian: str
    """`Organization/<id>` of whose records they are."""
    purpose: str
    outcome: str
    outcome_desc: str
    network: str
    method: str
    path: str
    entities: tuple[str, ...]
    erased: bool = False


def of_event(row: int, event: Event) -> Shown:
    """Return a record of the hub's own log."""
    return Shown(
        *(HUB, row, event.recorded, event.user or "", event.user_name or "", event.role or ""),
        *(event.organisation or "", event.client or "", event.interaction, event.action, event.patient or ""),
        *(event.custodian or "", event.purpose or "", event.outcome, event.outcome_desc or "", event.network or ""),
        *(event.method or "", event.path or "", event.entities, event.erased),
    )


def _reference(what: Mapping[str, Any]) -> str:
    """Return what a reference leads to; never its display, for that of an entity may be a patient's name."""
    return str(what.get("reference") or what.get("identifier", {}).get("value") or "")


def _agent(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return who asked; of several, the first that says so."""
    agents = [one for one in resource.get("agent", ()) if isinstance(one, dict)]
    return next((one for one in agents if one.get("requestor")), agents[0] if agents else {})


def _said(coding: Mapping[str, Any]) -> str:
    return str(coding.get("display") or coding.get("code") or "")


def _purpose(resource: Mapping[str, Any]) -> str:
    for concept in resource.get("purposeOfEvent", ()):
        for coding in concept.get("coding", ()):
            if coding.get("code"):
                return str(coding["code"])
    return ""


def _role(agent: Mapping[str, Any]) -> str:
    return next((_said(one) for concept in agent.get("role", ()) for one in concept.get("coding", ())), "")


def of_resource(one: Received, resource: Mapping[str, Any]) -> Shown:
    """Return an event that another system has sent."""
    agent = _agent(resource)
    who = agent.get("who", {})
    whats = [entity for entity in resource.get("entity", ()) if entity.get("what")]
    patients = [_reference(entity["what"]) for entity in whats if entity.get("role", {}).get("code") == _PATIENT]
    others = [_reference(entity["what"]) for entity in whats if entity.get("role", {}).get("code") != _PATIENT]
    kinds = [_said(resource.get("type", {})), *(_said(kind) for kind in resource.get("subtype", ()))]
    return Shown(
        source=f"{one.slug}/{one.client}",
        record=one.row,
        when=one.recorded,
        user=_reference(who) or str(who.get("display") or agent.get("altId", "")),
        user_name=str(agent.get("name", "")),
        role=_role(agent),
        organisation="",
        client="",
        interaction=": ".join(kind for kind in kinds if kind),
        action=str(resource.get("action", "")),
        patient=", ".join(one for one in patients if one),
        custodian="",
        purpose=_purpose(resource),
        outcome=str(resource.get("outcome", "0")),
        outcome_desc=str(resource.get("outcomeDesc", "")),
        network=str(agent.get("network", {}).get("address", "")),
        method="",
        path="",
        entities=tuple(one for one in others if one),
    )


COLUMNS = tuple(one.name for one in fields(Shown) if one.name != "erased")


def to_csv(events: Iterable[Shown], titles: Mapping[str, str]) -> str:
    """Return events as CSV (RFC 4180) with a header.

    Args:
        events: The events.
        titles: By `Organization/<id>`, what it is called.
    """
    return comma_separated((_line(one, titles) for one in events), COLUMNS)


def _line(one: Shown, titles: Mapping[str, str]) -> list[object]:
    line = dict(zip((field.name for field in fields(Shown)), astuple(one), strict=True))
    line |= {"when": in_japan(one.when), "entities": " ".join(one.entities)}
    line |= {name: titles.get(line[name], line[name]) for name in ("organisation", "custodian")}
    return [line[name] for name in COLUMNS]
