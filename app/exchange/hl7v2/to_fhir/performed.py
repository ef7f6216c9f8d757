"""OMG-11, OMG-12: what radiology and endoscopy did, as Procedure, Observation and DiagnosticReport with its study."""

from collections.abc import Iterator
from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.coded import concept, hl7, identity
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
from app.exchange.hl7v2.to_fhir.people import practitioner

_REPORT_CATEGORIES = {"OMG-11": "RAD", "OMG-12": "OTH"}


def draw(draft: Draft) -> None:
    """Make the Procedures that were done, what was observed while they were, and the reports that name the studies."""
    studies: dict[str, Segment] = {}
    procedures: list[Key] = []
    results: list[Key] = []
    first: Asked | None = None
    whole = {(each.number, each.obr.text(4)) for each in asked(draft.message) if each.obr and each.control == "PA"}
    for each in asked(draft.message):
        if each.obr is None:
            continue
        first = first or each
        for segment in each.others:
            if segment.name == "IPC" and segment.text(3):
                studies.setdefault(segment.text(3), segment)
        same_as_whole = each.control not in {"PA", "CH"} and (each.number, each.obr.text(4)) in whole
        if not same_as_whole:
            procedure, rows = _draw_procedure(draft, each, each.obr)
            procedures.append(procedure)
            results.extend(rows)
    if first is not None and studies:
        _draw_report(draft, first, studies, results)


def _draw_procedure(draft: Draft, each: Asked, obr: Segment) -> tuple[Key, list[Key]]:
    what = obr.repetitions(4)
    number = each.number
    span = period(draft, obr, 7, 8)
    begins, ends = (_timed(each, word) for word in ("開始時間", "終了時間"))
    told = present({"start": moment_of(draft, begins, 5), "end": moment_of(draft, ends, 5)})
    span = {**span, **told} if told else span
    parent = each.orc.text(8, 1) if each.orc else ""
    content: dict[str, Any] = {
        "extension": asked_by_department(draft, each.orc),
        "basedOn": order_reference(draft, "ServiceRequest", number),
        "partOf": order_reference(draft, "Procedure", parent) if parent and parent != number else [],
        "status": "completed",
        "category": {"text": {"OMG-11": "放射線検査", "OMG-12": "内視鏡検査"}[draft.kind]},
        "code": concept(what[0], draft.source) if what else {},
        "subject": draft.subject,
        "performedPeriod": span if "end" in span else {},
        "performedDateTime": "" if "end" in span else span.get("start", ""),
        "performer": [
            {"actor": person} for one in _performers(each, obr) if (person := practitioner(one, draft.source))
        ],
    }
    parts = (number or draft.message.control_id, identity(what[0]) if what else "")
    key = draft.own("Procedure", *parts)
    draft.add(key, content, identifiers=number_identifiers(draft.source, number))
    of = Of(
        parts=parts,
        at=span.get("start", "") or draft.occurred,
        category="procedure",
        extension=belonging(draft, each.orc),
        links={"partOf": [{"reference": key.reference}]},
    )
    return key, draw_rows(draft, [row for row in each.rows if row.text(2) != "XCN"], of)


def _timed(each: Asked, word: str) -> Segment | None:
    return next((row for row in each.rows if row.text(2) == "TS" and row.text(3, 2) == word), None)


def _performers(each: Asked, obr: Segment) -> Iterator[Repetition]:
    """Yield who did it: of the rows of persons, of ZE1-7, else who asked for it."""
    named = [value for row in each.rows if row.text(2) == "XCN" for value in row.repetitions(5)]
    staff = [value for row in each.others if row.name == "ZE1" for value in row.repetitions(8)]
    seen: set[str] = set()
    for value in named or staff or obr.repetitions(34):
        if value.raw not in seen:
            seen.add(value.raw)
            yield value


def _draw_report(draft: Draft, each: Asked, studies: dict[str, Segment], results: list[Key]) -> None:
    obr = each.obr
    if obr is None:
        return
    what = obr.repetitions(4)
    content: dict[str, Any] = {
        "extension": asked_by_department(draft, each.orc),
        "basedOn": order_reference(draft, "ServiceRequest", each.number),
        "status": "final" if obr.text(25) == "F" else "registered",
        "category": [hl7("v2-0074", _REPORT_CATEGORIES[draft.kind])],
        "code": concept(what[0], draft.source) if what else {"text": "検査"},
        "subject": draft.subject,
        "effectiveDateTime": moment_of(draft, obr, 7) or draft.occurred,
        "issued": instant(moment_of(draft, obr, 22)),
        "result": [{"reference": key.reference} for key in results],
        "imagingStudy": [_study(uid, segment) for uid, segment in studies.items()],
    }
    accessions = {segment.text(1) for segment in studies.values()} - {""}
    identifiers = number_identifiers(draft.source, each.number)
    identifiers += [{"system": draft.source.local("accession-number"), "value": one} for one in sorted(accessions)]
    draft.add(
        draft.own("DiagnosticReport", each.number or draft.message.control_id, "study"),
        content,
        identifiers=identifiers,
    )


def _study(uid: str, segment: Segment) -> dict[str, Any]:
    return {
        "type": "ImagingStudy",
        "identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"},
        "display": " ".join(part for part in (segment.text(5), segment.text(1)) if part) or uid,
    }
