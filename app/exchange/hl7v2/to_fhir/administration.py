"""OMP-11, OMP-12: medication that was given, as MedicationAdministration.

ConceptMap segment-omp-12-rxa-to-medicationadministration; JP Core JP_MedicationAdministration.
"""

from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.coded import concept, concept_of, identity
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.mapped import Action
from app.exchange.hl7v2.to_fhir.order import authored, number_identifiers, order_reference, period
from app.exchange.hl7v2.to_fhir.people import department_of, place_of, practitioner, practitioner_of
from app.exchange.hl7v2.to_fhir.prescription import ORDER_IN_RP, RP_NUMBER, group_identifiers, rp_of
from app.exchange.hl7v2.to_fhir.quantity import quantity, unit_of
from app.exchange.hl7v2.to_fhir.systems import EXTENSION

_STATUSES = {"CP": "completed", "PA": "stopped", "RE": "not-done", "NA": "not-done", "": "completed"}
"""HL7 table 0322: complete, partly, refused, not given."""


def draw(draft: Draft) -> None:
    """Make a MedicationAdministration of each RXA row, by the way that the RXR of its order names."""
    for group in draft.message.groups("ORC"):
        way = next((segment for segment in group if segment.name == "RXR"), None)
        rows = [segment for segment in group if segment.name == "RXA"]
        for place, row in enumerate(rows, start=1):
            _draw_row(draft, group, row, place, way)


def _draw_row(draft: Draft, group: Sequence[Segment], row: Segment, place: int, way: Segment | None) -> None:
    orc, source = group[0], draft.source
    number = orc.text(2)
    what = row.repetitions(5)
    if not what:
        draft.report(row, 5, "the row does not say what was given; it is not taken")
        return
    status = row.text(20)
    if status not in _STATUSES:
        draft.report(row, 20, f"{status!r} is no completion status of HL7 table 0322")
    span = period(draft, row, 3, 4)
    lasted = "end" in span and span.get("start") != span["end"]
    lot = row.text(15)
    content: dict[str, Any] = {
        "extension": [*_asked_by(draft, orc), *_given_at(draft, row)],
        "status": _STATUSES.get(status, "unknown"),
        "medicationCodeableConcept": concept(what[0], source),
        "subject": draft.subject,
        "effectivePeriod": span if lasted else {},
        "effectiveDateTime": "" if lasted else span.get("start", ""),
        "performer": [{"actor": one} for each in row.repetitions(10) if (one := practitioner(each, source))],
        "request": next(iter(order_reference(draft, "MedicationRequest", number)), {}),
        "device": [{"display": text}] if way is not None and (text := way.text(3, 2)) else [],
        "note": [
            *({"text": each.text(2) or each.text() or each.shown()} for each in row.repetitions(9)),
            *([{"text": f"ロット番号: {lot}"}] if lot else []),
        ],
        "dosage": _dosage(draft, row, way),
    }
    if not content["effectivePeriod"] and not content["effectiveDateTime"]:
        content["effectiveDateTime"] = draft.occurred
    identifiers = [
        {"system": RP_NUMBER, "value": rp_of(orc)},
        {"system": ORDER_IN_RP, "value": str(place)},
        *number_identifiers(source, number, orc.text(3)),
        *group_identifiers(source, orc),
    ]
    parts = (number or draft.message.control_id, orc.text(4), span.get("start", ""), identity(what[0]))
    action: Action | None = "delete" if row.text(21) == "D" else None
    # An order is given day by day, each told by itself: no message says all that was given of it.
    draft.add(draft.own("MedicationAdministration", *parts), content, identifiers=identifiers, action=action)


def _asked_by(draft: Draft, orc: Segment) -> list[dict[str, Any]]:
    named = f"{EXTENSION}JP_MedicationAdministration_"
    made: list[dict[str, Any]] = []
    person = practitioner_of(orc, 12, draft.source)
    if person:
        made.append({"url": f"{named}Requester", "valueReference": person})
    unit = department_of(orc, 17, draft.source)
    if unit:
        made.append({"url": f"{named}RequestDepartment", "valueCodeableConcept": unit})
    if orc.text(9):
        made.append({"url": f"{named}RequestAuthoredOn", "valueDateTime": authored(draft, orc)})
    return made


def _given_at(draft: Draft, row: Segment) -> list[dict[str, Any]]:
    place = place_of(row, 11, draft.source)
    return [{"url": f"{EXTENSION}JP_MedicationAdministration_Location", "valueReference": place}] if place else []


def _dosage(draft: Draft, row: Segment, way: Segment | None) -> dict[str, Any]:
    source = draft.source
    dose = quantity(row.text(6), unit_of(row, 7, source))
    made: dict[str, Any] = {
        "text": row.text(12),
        "site": concept_of(way, 2, source) if way is not None else {},
        "route": concept_of(way, 1, source) if way is not None else {},
        "method": concept_of(way, 4, source) if way is not None else {},
        "dose": dose,
    }
    return present(made)
