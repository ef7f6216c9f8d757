"""A message as FHIR resources."""

from app.exchange.hl7v2.message import Hl7Error, Message, Segment
from app.exchange.hl7v2.to_fhir import (
    administration,
    allergy,
    attending,
    condition,
    demographics,
    encounter,
    examination,
    laboratory,
    nutrition,
    performed,
    prescription,
)
from app.exchange.hl7v2.to_fhir.draft import Draft
from app.exchange.hl7v2.to_fhir.kinds import KINDS, kind_of
from app.exchange.hl7v2.to_fhir.mapped import Action, Key, Mapped
from app.exchange.hl7v2.to_fhir.moments import moment
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.withdrawn import withdrawn

_FLAGS: dict[str, Action] = {"0": "delete", "1": "current", "2": "history"}

_MAPPERS = {
    "ADT-00": (demographics.draw,),
    "ADT-01": (attending.draw,),
    "ADT-61": (allergy.draw,),
    "PPR-01": (condition.draw,),
    "OMD": (nutrition.draw,),
    "OMP-01": (prescription.draw,),
    "OMP-02": (prescription.draw,),
    "OMP-11": (administration.draw,),
    "OMP-12": (administration.draw,),
    "OML-01": (laboratory.draw_order,),
    "OML-11": (laboratory.draw_results,),
    "OMG-01": (examination.draw,),
    "OMG-02": (examination.draw,),
    "OMG-03": (examination.draw,),
    "OMG-11": (performed.draw,),
    "OMG-12": (performed.draw,),
    "OMG-13": (laboratory.draw_results,),
}

_NO_SEGMENT_OF = {
    "ADT": frozenset({"ORC", "OBR", "RXE", "RXA", "RXC", "PRB", "SPM", "ODS", "MSA"}),
    "PPR": frozenset({"RXE", "RXA", "RXC", "SPM", "ODS", "IAM", "MSA"}),
    "RDE": frozenset({"RXA", "PRB", "SPM", "ODS", "IAM", "EVN", "MSA"}),
    "RAS": frozenset({"PRB", "SPM", "ODS", "IAM", "EVN", "MSA"}),
    "OML": frozenset({"RXE", "RXA", "PRB", "ODS", "IAM", "EVN", "MSA"}),
    "OUL": frozenset({"RXE", "RXA", "PRB", "ODS", "IAM", "EVN", "MSA"}),
    "OMD": frozenset({"RXE", "RXA", "PRB", "SPM", "IAM", "EVN", "MSA"}),
}
"""Segments that a message of these codes does not have: what is in them is of another message."""


def resources(message: Message, source: Source, *, kind: str = "", flag: str = "1") -> Mapped:
    """Return what a message says as FHIR resources; the same message gives the same.

    Args:
        message: Of one patient.
        source: The site that it is of.
        kind: Its type in a standard store, where the store says it; else it follows from the message.
        flag: The condition flag of its file: 0 is taken back, 1 holds, 2 held.

    Raises:
        Hl7Error: It is of a type that is not taken (200), of no or of several patients (101, 100).
    """
    kind = kind or kind_of(message)
    if kind not in KINDS:
        raise message.header.error(9, f"messages of type {message.kind!r} are not taken", code=200)
    if message.kind not in KINDS[kind] and kind_of(message) != kind:
        raise message.header.error(9, f"a message of type {message.kind!r} is not of {kind}", code=200)
    pid = _the_patient(message)
    draft = Draft(
        message,
        source,
        kind,
        "delete" if message.kind == "ADT^A23" else _FLAGS.get(flag, "current"),
        Key("Patient", source.patient_system, pid.text(3).strip()),
        _occurred(message, source),
        list(message.findings),
    )
    demographics.draw_patient(draft, pid)
    for draw in _MAPPERS.get(kind, (encounter.draw,)):
        draw(draft)
    _report_strangers(draft)
    entries = tuple(withdrawn(entry) if entry.action == "delete" else entry for entry in draft.entries)
    return Mapped(kind, draft.patient, entries, draft.order_sets(), tuple(draft.findings), draft.occurred)


def _the_patient(message: Message) -> Segment:
    headers = message.all("MSH")
    if len(headers) > 1:
        raise Hl7Error("MSH", 2, 0, "a second message begins within the message", code=100)
    pid = message.required("PID")
    number = pid.text(3).strip()
    if not number:
        raise pid.error(3, "the patient has no number", code=101)
    for other in message.all("PID")[1:]:
        if other.text(3).strip() != number:
            raise other.error(3, f"a second patient, {other.text(3)!r}, is in the message of {number!r}", code=100)
    return pid


def _occurred(message: Message, source: Source) -> str:
    event = message.first("EVN")
    return (moment(event.text(2), source.zone) if event else "") or moment(message.header.text(7), source.zone) or ""


def _report_strangers(draft: Draft) -> None:
    strangers = _NO_SEGMENT_OF.get(draft.message.header.text(9), frozenset())
    for name in strangers & draft.message.named.keys():
        for segment in draft.message.all(name):
            draft.report(segment, 0, f"the segment is none of {draft.message.kind}; it is not taken")
