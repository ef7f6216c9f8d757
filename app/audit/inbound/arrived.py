"""An audit event as it came, and whom it names: an AuditEvent of FHIR, or an audit message of DICOM."""

from collections.abc import Iterable, Mapping
from typing import Any

from app.audit.atna.from_dicom import MalformedMessage, from_dicom, parse, recorded_text
from app.audit.inbound.stored import Arrived
from app.clock import DAY
from fhir.errors import InvalidValue
from fhir.search import date

MOST_NAMED = 200
"""Patients, and agents, of one event by which it is found."""

EARLIEST = 0
_PATIENT = "1"


def _named(reference: Mapping[str, Any]) -> Iterable[str]:
    """Yield by what a reference is found: type and id, and the value of an identifier."""
    text = reference.get("reference")
    if isinstance(text, str) and text:
        yield "/".join(text.partition("/_history/")[0].split("/")[-2:])
    value = reference.get("identifier", {}).get("value")
    if isinstance(value, str) and value:
        yield value


def _patients(resource: Mapping[str, Any]) -> Iterable[str]:
    for entity in resource.get("entity", ()):
        what = entity.get("what", {})
        names = list(_named(what))
        if entity.get("role", {}).get("code") == _PATIENT:
            # DICOM writes HL7's CX: 4711^^^&1.2.3&ISO. The number alone finds it as well.
            yield from (part for name in names for part in (name, name.partition("^")[0]))
        else:
            yield from (name for name in names if name.startswith("Patient/"))


def _agents(resource: Mapping[str, Any]) -> Iterable[str]:
    for agent in resource.get("agent", ()):
        yield from _named(agent.get("who", {}))
        if agent.get("altId"):
            yield str(agent["altId"])


def _instant(text: str, now: int) -> int:
    """Return an instant in microseconds since 1970 UTC; `now` for one that is none, or that no calendar here has."""
    try:
        found, _ = date.interval(text)
    except InvalidValue:
        return now
    return found if EARLIEST <= found <= now + DAY else now


def _few(names: Iterable[str]) -> frozenset[str]:
    return frozenset(list(dict.fromkeys(name for name in names if name))[:MOST_NAMED])


def of_fhir(body: bytes, resource: Mapping[str, Any], now: int) -> Arrived:
    """Return an AuditEvent that was checked, as it came.

    Args:
        body: What was sent.
        resource: The same as a tree.
        now: The present in microseconds since 1970 UTC.
    """
    recorded = _instant(str(resource["recorded"]), now)
    return Arrived("fhir", body, recorded, _few(_patients(resource)), _few(_agents(resource)))


def of_syslog(body: bytes, now: int) -> Arrived:
    """Return an audit message as it came; one that cannot be read is kept too, of the present."""
    try:
        recorded = _instant(recorded_text(parse(body)), now)
    except MalformedMessage:
        return Arrived("syslog", body, now, frozenset(), frozenset())
    resource = from_dicom(body, recorded)
    return Arrived("syslog", body, recorded, _few(_patients(resource)), _few(_agents(resource)))
