"""OML-01, OML-11, OMG-13: requests and results of laboratories and examinations.

ConceptMaps segment-oml-11-obr-*, segment-oml-11-orc-*, segment-oml-11-spm-*.
"""

from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.attachment import presented
from app.exchange.hl7v2.to_fhir.coded import concept, concept_of, hl7, identity, with_codings
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.hl7v2.to_fhir.moments import instant, moment_of
from app.exchange.hl7v2.to_fhir.observation import Of, draw_rows
from app.exchange.hl7v2.to_fhir.order import (
    Asked,
    asked,
    asked_by_department,
    belonging,
    number_identifiers,
    order_reference,
    period,
)
from app.exchange.hl7v2.to_fhir.people import practitioner_of
from app.exchange.hl7v2.to_fhir.radiology import accession_identifiers, conclusion, is_imaging, report_category
from app.exchange.hl7v2.to_fhir.requested import cancel, draw_request
from app.exchange.hl7v2.to_fhir.systems import CORE

_REPORT_STATUSES = {
    "F": "final",
    "P": "preliminary",
    "C": "corrected",
    "X": "cancelled",
    "A": "partial",
    "R": "registered",
    "I": "registered",
    "O": "registered",
    "S": "registered",
}
"""HL7 table 0123."""

_LABORATORY = {"system": "http://loinc.org", "code": "LP29693-6", "display": "Laboratory"}
_REPORT = {
    "system": f"{CORE}CodeSystem/JP_DocumentCodes_CS",
    "code": "11502-2",
    "display": "検体検査報告書",
}


def draw_order(draft: Draft) -> None:
    """Make the ServiceRequests of a laboratory's order, and the Specimens that they ask for."""
    specimens: dict[int, Key] = {}
    for each in asked(draft.message):
        if each.obr is None:
            cancel(draft, "ServiceRequest", each)
            continue
        specimen = _specimen(draft, each, specimens)
        draw_request(draft, each, hl7_category("laboratory"), [specimen] if specimen else [])


def draw_results(draft: Draft) -> None:
    """Make a DiagnosticReport of each request, its Observations and its Specimen."""
    specimens: dict[int, Key] = {}
    for each in asked(draft.message):
        if each.obr is None:
            continue
        _draw_report(draft, each, each.obr, _specimen(draft, each, specimens))


def hl7_category(code: str) -> list[dict[str, Any]]:
    """Return a category of requests by a code of observations' categories."""
    return [hl7("observation-category", code)]


def _draw_report(draft: Draft, each: Asked, obr: Segment, specimen: Key | None) -> None:
    number, filler = each.number, each.filler
    at = moment_of(draft, obr, 7)
    sampled = moment_of(draft, each.specimen, 17) if each.specimen else ""
    issued = instant(moment_of(draft, obr, 22))
    is_laboratory = _is_laboratory(draft, each, obr)
    what = obr.repetitions(4)
    parts = (number or draft.message.control_id, filler if number != filler else "", identity(what[0]) if what else "")
    based_on = order_reference(draft, "ServiceRequest", number)
    links: dict[str, Any] = {"basedOn": based_on}
    of_images = draft.kind == "OMG-13" and is_imaging(obr)
    if specimen is not None:
        links["specimen"] = {"reference": specimen.reference}
    of = Of(
        parts=parts[:2] if draft.kind == "OML-11" else parts,
        at=sampled or at or draft.occurred,
        issued=issued,
        category="laboratory" if is_laboratory else "imaging" if of_images else "",
        extension=belonging(draft, each.orc),
        identifiers=number_identifiers(draft.source, number, filler),
        links=links,
    )
    results = draw_rows(draft, [row for row in each.rows if row.text(2) != "ED"], of)
    code: dict[str, Any] = concept(what[0], draft.source) if what else {"text": "検査報告"}
    if is_laboratory:
        code = with_codings(code, _REPORT)
    span = period(draft, obr, 7, 8)
    content: dict[str, Any] = {
        "extension": asked_by_department(draft, each.orc),
        "basedOn": based_on,
        "status": _report_status(obr, each),
        "category": [{"coding": [_LABORATORY]}] if is_laboratory else report_category(obr) if of_images else [],
        "code": code,
        "subject": draft.subject,
        "effectivePeriod": span if "end" in span else {},
        "effectiveDateTime": "" if "end" in span else of.at,
        "issued": issued,
        "performer": [person] if (person := practitioner_of(obr, 32, draft.source)) else [],
        "specimen": [{"reference": specimen.reference}] if specimen else [],
        "result": [{"reference": key.reference} for key in results],
        "conclusion": conclusion(each.rows) if of_images else "",
        "presentedForm": presented(draft, each.rows),
    }
    identifiers = [*of.identifiers, *(accession_identifiers(draft.source, each) if of_images else [])]
    draft.add(draft.own("DiagnosticReport", *parts), content, identifiers=identifiers)


def _is_laboratory(draft: Draft, each: Asked, obr: Segment) -> bool:
    """Return whether a report is a laboratory's: JLAC10 names what a body is examined by from 9 on."""
    of_specimens = draft.kind == "OML-11" or any(row.text(3, 3) in {"JC10", "JLAC10"} for row in each.rows)
    return of_specimens and not obr.text(4).startswith("9")


def _report_status(obr: Segment, each: Asked) -> str:
    said = obr.text(25)
    if said in _REPORT_STATUSES:
        return _REPORT_STATUSES[said]
    states = {row.text(11) for row in each.rows if row.name == "OBX"}
    if states <= {"F", "C", "U", "X", "D"}:
        return "final"
    return "partial" if states & {"F", "C"} else "preliminary"


def _specimen(draft: Draft, each: Asked, known: dict[int, Key]) -> Key | None:
    """Make the Specimen of a request, once for each segment; return its key."""
    segment = each.specimen
    if segment is None:
        return None
    if segment.index in known:
        return known[segment.index]
    accession = segment.text(2, 1, 2) or segment.text(2, 1) or each.filler
    kind = concept_of(segment, 4, draft.source)
    collected = moment_of(draft, segment, 17)
    content: dict[str, Any] = {
        "accessionIdentifier": {"system": draft.source.local("specimen-number"), "value": accession}
        if accession
        else {},
        "status": "available" if draft.kind == "OML-11" else "",
        "type": kind,
        "subject": draft.subject,
        "receivedTime": moment_of(draft, segment, 18),
        "collection": present(
            {
                "collectedDateTime": collected,
                "quantity": {},
                "method": concept_of(segment, 7, draft.source),
                "bodySite": concept_of(segment, 8, draft.source),
            }
        ),
        "note": [{"text": text}] if (text := segment.text(14)) else [],
    }
    parts = (each.number or draft.message.control_id, accession or segment.text(4, 1) or segment.text(4, 2))
    key = draft.add(draft.own("Specimen", *parts), content)
    known[segment.index] = key
    return key
