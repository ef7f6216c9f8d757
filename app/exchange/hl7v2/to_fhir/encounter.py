"""PV1 and PV2: Encounter. ConceptMaps segment-adt-xx-pv1-to-encounter, table-v2-0003-*, table-v2-0004-*."""

from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.coded import hl7
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.hl7v2.to_fhir.moments import compact, moment_of
from app.exchange.hl7v2.to_fhir.people import department, place_of, practitioner
from app.exchange.hl7v2.to_fhir.systems import TERMINOLOGY

_STATUSES = {
    "A01": "in-progress",
    "A02": "in-progress",
    "A03": "finished",
    "A04": "arrived",
    "A05": "planned",
    "A06": "in-progress",
    "A07": "in-progress",
    "A08": "in-progress",
    "A11": "cancelled",
    "A12": "in-progress",
    "A13": "in-progress",
    "A14": "planned",
    "A15": "in-progress",
    "A16": "in-progress",
    "A21": "onleave",
    "A22": "in-progress",
    "A23": "cancelled",
    "A25": "in-progress",
    "A26": "in-progress",
    "A27": "cancelled",
    "A52": "in-progress",
    "A53": "onleave",
}
"""What an event means for the status."""

_TAKEN_BACK = frozenset({"A11", "A12", "A13", "A25", "A26", "A27", "A52", "A53"})
_CLASSES = {
    "I": ("IMP", "inpatient encounter"),
    "O": ("AMB", "ambulatory"),
    "E": ("EMER", "emergency"),
    "P": ("PRENC", "pre-admission"),
    "R": ("AMB", "ambulatory"),
    "H": ("HH", "home health"),
}
"""HL7 table 0004 as v3-ActCode."""

_PARTS = {7: "ATND", 8: "REF", 9: "CON", 17: "ADM"}
_PATIENT_PLACE = {"A14": "planned", "A15": "planned", "A03": "completed", "A21": "reserved"}


def draw(draft: Draft) -> None:
    """Make the Encounter that an event is about."""
    visit = draft.message.required("PV1")
    event = draft.message.header.text(9, 2)
    began, ended = _period(draft, visit, event)
    code = visit.text(2)
    if code not in _CLASSES:
        draft.report(visit, 2, f"{code!r} is no class of HL7 table 0004 that is known")
    word, display = _CLASSES.get(code, ("AMB", "ambulatory"))
    unit = department(visit.text(10), "", "", draft.source)
    content: dict[str, Any] = {
        "status": _STATUSES.get(event, "unknown"),
        "class": {"system": f"{TERMINOLOGY}v3-ActCode", "code": word, "display": display},
        "serviceType": unit,
        "subject": draft.subject,
        "participant": _participants(draft, visit),
        "period": present({"start": began, "end": ended}),
        "hospitalization": _hospitalization(visit),
        "location": _locations(draft, visit, event),
        "serviceProvider": {"reference": f"Organization/{draft.source.custodian}"},
    }
    number = visit.text(19)
    identifiers = [{"system": draft.source.local("visit-number"), "value": number}] if number else []
    draft.add(_key(draft, visit, began or ended), content, identifiers=identifiers)


def _key(draft: Draft, visit: Segment, at: str) -> Key:
    """Return what an encounter is found again by: its number, or its class, day and department.

    What is known of a stay in hospital comes by many messages; they are of one stay when they say when it began.
    """
    number = visit.text(19)
    if number:
        return draft.own("Encounter", "visit", number)
    admitted = compact(moment_of(draft, visit, 44)) if visit.text(44) else ""
    if visit.text(2) == "I" and admitted:
        return draft.own("Encounter", "I", admitted)
    if visit.text(2) != "I":
        return draft.own("Encounter", visit.text(2), compact(at), visit.text(10))
    if draft.kind != "ADT-21":  # what is planned has not begun
        draft.report(visit, 44, "the message does not say which stay it is of: it has neither PV1-19 nor PV1-44")
    return draft.own("Encounter", "I", draft.kind, compact(at))


def _period(draft: Draft, visit: Segment, event: str) -> tuple[str, str]:
    evn, planned = draft.message.first("EVN"), draft.message.first("PV2")
    began, ended = moment_of(draft, visit, 44), moment_of(draft, visit, 45)
    if event in {"A14", "A27", "A05"}:
        began = began or moment_of(draft, planned, 8)
    if event == "A13":
        ended = ""
    happened = moment_of(draft, evn, 6)
    if event == "A03":
        ended = ended or happened
    elif event in {"A04", "A01"}:
        began = began or happened or (moment_of(draft, evn, 2) if event == "A04" else "")
    return began, ended


def _participants(draft: Draft, visit: Segment) -> list[dict[str, Any]]:
    return [
        {"type": [hl7("v3-ParticipationType", part)], "individual": person}
        for field, part in _PARTS.items()
        for each in visit.repetitions(field)
        if (person := practitioner(each, draft.source))
    ]


def _hospitalization(visit: Segment) -> dict[str, Any]:
    left = visit.text(36)
    came = visit.text(14)
    return present(
        {
            "admitSource": {"text": visit.text(14, 2) or came} if came else {},
            "dischargeDisposition": {"text": visit.text(36, 2) or left} if left else {},
        }
    )


def _locations(draft: Draft, visit: Segment, event: str) -> list[dict[str, Any]]:
    planned = draft.message.first("PV2")
    at = moment_of(draft, draft.message.first("EVN"), 6)
    if event in {"A14", "A15"}:
        at = moment_of(draft, planned, 8) or at
    elif event == "A01":
        at = moment_of(draft, visit, 44) or at
    made = []
    before = place_of(visit, 6, draft.source)
    if before and event == "A02":
        made.append(present({"location": before, "status": "completed", "period": {"end": at} if at else {}}))
    here = place_of(visit, 3, draft.source)
    if here:
        bound = {"A03": "end"}.get(event, "start")
        state = "active" if event in _TAKEN_BACK else _PATIENT_PLACE.get(event, "active")
        made.append(present({"location": here, "status": state, "period": {bound: at} if at else {}}))
    return made
