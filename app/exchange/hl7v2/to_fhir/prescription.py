"""OMP-01, OMP-02: prescriptions and injections as MedicationRequest.

ConceptMap segment-omp-01-rxe-to-medicationrequest; JP Core JP_MedicationRequest, JP_MedicationRequest_Injection.
"""

from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.coded import concept, identity, with_codings
from app.exchange.hl7v2.to_fhir.dosage import dosage
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.order import GONE, authored, belonging, gone, number_identifiers, priority
from app.exchange.hl7v2.to_fhir.people import practitioner_of
from app.exchange.hl7v2.to_fhir.quantity import number as exact
from app.exchange.hl7v2.to_fhir.quantity import quantity, unit_of
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import EXTENSION, MHLW_IDENTIFIER, UCUM

RP_NUMBER = f"{MHLW_IDENTIFIER}Medication-RPGroupNumber"
ORDER_IN_RP = f"{MHLW_IDENTIFIER}MedicationAdministrationIndex"
INSTRUCTION = f"{EXTENSION}JP_MedicationRequest_DispenseRequest_InstructionForDispense"


def draw(draft: Draft) -> None:
    """Make a MedicationRequest of each row of a prescription; what the order had and has no more is to be stopped."""
    in_rp: dict[tuple[str, str], int] = {}
    for group in draft.message.groups("ORC"):
        orc = group[0]
        number = orc.text(2)
        row = next((segment for segment in group if segment.name == "RXE"), None)
        status = gone(orc.text(1), "cancelled", "stopped")
        if row is None:
            if orc.text(1) in GONE:
                draft.order("MedicationRequest", number, None, status)
            else:
                draft.report(orc, 0, "the order names no medication; it is not taken")
            continue
        rp = rp_of(orc)
        place = in_rp[number, rp] = in_rp.get((number, rp), 0) + 1
        _draw_row(draft, group, row, place, status)


def rp_of(orc: Segment) -> str:
    """Return the number of the group (Rp) within the order: of ORC-4, which may begin with the order's own number."""
    parts = orc.text(4).split("_")
    if len(parts) > 1:
        return parts[1].lstrip("0") or "0"
    return parts[0] or "1"


def group_identifiers(source: Source, orc: Segment) -> list[dict[str, str]]:
    """Return ORC-4 as an identifier, in a list, where it says more than the number of the group."""
    whole = orc.text(4)
    return [{"system": source.local("order-group"), "value": whole}] if whole and whole != rp_of(orc) else []


def _draw_row(draft: Draft, group: Sequence[Segment], row: Segment, place: int, status: str) -> None:
    orc, source = group[0], draft.source
    number = orc.text(2)
    mixed = [segment for segment in group if segment.name == "RXC"]
    what = row.repetitions(2)
    timing = next((segment for segment in group if segment.name == "TQ1"), None)
    content: dict[str, Any] = {
        **_medication(draft, what, row, mixed),
        "extension": belonging(draft, orc),
        "status": status or ("completed" if draft.action == "history" else "active"),
        "intent": "order",
        "category": [concept(each, source) for each in row.repetitions(21)],
        "priority": priority(timing),
        "subject": draft.subject,
        "authoredOn": authored(draft, orc),
        "requester": practitioner_of(orc, 12, source),
        "recorder": practitioner_of(orc, 10, source),
        "note": _notes(group),
        "dosageInstruction": dosage(draft, row, group),
        "dispenseRequest": _dispense(draft, row, timing),
    }
    identifiers = [
        {"system": RP_NUMBER, "value": rp_of(orc)},
        {"system": ORDER_IN_RP, "value": str(place)},
        *number_identifiers(source, number, orc.text(3)),
    ]
    identifiers += group_identifiers(source, orc)
    if row.text(15):
        identifiers.append({"system": source.local("prescription-number"), "value": row.text(15)})
    drug = "+".join(identity(each.repetitions(2)[0]) for each in mixed if each.repetitions(2))
    drug = drug or (identity(what[0]) if what else "")
    key = draft.own("MedicationRequest", number or draft.message.control_id, orc.text(4), drug)
    draft.add(key, content, identifiers=identifiers)
    draft.order("MedicationRequest", number, key, "stopped")


def _medication(draft: Draft, what: list[Repetition], row: Segment, mixed: list[Segment]) -> dict[str, Any]:
    """Return what is given: a code, or a mixture of several with their amounts."""
    named = concept(what[0], draft.source) if what else {}
    for other in row.repetitions(31):
        named = with_codings(named, *concept(other, draft.source).get("coding", []))
    if not mixed:
        return {"medicationCodeableConcept": named or {"text": "不明"}}
    ingredients = []
    for each in mixed:
        drug = each.repetitions(2)
        amount = quantity(each.text(3), unit_of(each, 4, draft.source))
        ingredients.append(
            present(
                {
                    "itemCodeableConcept": concept(drug[0], draft.source) if drug else {"text": "不明"},
                    "strength": {"numerator": amount, "denominator": {"value": 1}} if amount else {},
                }
            )
        )
    contained = {"resourceType": "Medication", "id": "mixture", **present({"code": named}), "ingredient": ingredients}
    return {"contained": [contained], "medicationReference": {"reference": "#mixture"}}


def _notes(group: Sequence[Segment]) -> list[dict[str, str]]:
    texts = ("\n".join(each.text() for each in segment.repetitions(3)) for segment in group if segment.name == "NTE")
    return [{"text": text} for text in texts if text]


def _dispense(draft: Draft, row: Segment, timing: Segment | None) -> dict[str, Any]:
    days = exact(timing.text(6)) if timing is not None and timing.text(6, 2) in {"d", "D", "日"} else None
    repeats = row.text(12)
    return present(
        {
            "extension": [
                {"url": INSTRUCTION, "valueCodeableConcept": concept(each, draft.source)} for each in row.repetitions(7)
            ],
            "numberOfRepeatsAllowed": int(repeats) if repeats.isdecimal() and len(repeats) < 4 else None,
            "quantity": quantity(row.text(10), unit_of(row, 11, draft.source)),
            "expectedSupplyDuration": {"value": days, "unit": "日", "system": UCUM, "code": "d"}
            if days is not None
            else {},
        }
    )
