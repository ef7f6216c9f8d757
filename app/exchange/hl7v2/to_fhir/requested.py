"""OBR of an order: ServiceRequest. ConceptMap segment-oml-11-orc-to-servicerequest."""

from typing import Any

from app.exchange.hl7v2.to_fhir.coded import concept, identity
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.hl7v2.to_fhir.moments import moment_of
from app.exchange.hl7v2.to_fhir.observation import Of, draw_rows
from app.exchange.hl7v2.to_fhir.order import (
    GONE,
    Asked,
    asked_by_department,
    authored,
    belonging,
    gone,
    number_identifiers,
    order_reference,
    priority,
)
from app.exchange.hl7v2.to_fhir.people import practitioner_of
from app.exchange.hl7v2.to_fhir.radiology import accession_identifiers


def cancel(draft: Draft, type_: str, each: Asked) -> None:
    """Note that an order is no more, though its message says nothing else of it."""
    if each.control in GONE:
        names = ("cancelled", "stopped") if type_ == "MedicationRequest" else ("revoked", "revoked")
        draft.order(type_, each.number, None, gone(each.control, *names))


def draw_request(draft: Draft, each: Asked, category: list[dict[str, Any]], specimens: list[Key]) -> Key | None:
    """Make the ServiceRequest of a request; what it asks for row by row is its details, what rows tell is beside it."""
    obr, orc = each.obr, each.orc
    if obr is None:
        return None
    what = obr.repetitions(4)
    number = each.number
    wanted = [row for row in each.rows if row.name == "OBX" and not row.repetitions(5)]
    told = [row for row in each.rows if row not in wanted]
    parts = (number or draft.message.control_id, identity(what[0]) if what else "")
    of = Of(
        parts=parts, at=moment_of(draft, obr, 7) or authored(draft, orc), category="", extension=belonging(draft, orc)
    )
    about = draw_rows(draft, told, of)
    details = [item for row in wanted for item in row.repetitions(3)]
    timing = each.other("TQ1")
    content: dict[str, Any] = {
        "extension": asked_by_department(draft, orc),
        "basedOn": _parent(draft, each),
        "status": gone(each.control, "revoked", "revoked") or ("completed" if each.control == "CM" else "active"),
        "intent": "order",
        "category": category,
        "priority": priority(timing),
        "code": concept(what[0], draft.source) if what else {},
        "orderDetail": [concept(item, draft.source) for item in details],
        "subject": draft.subject,
        "occurrenceDateTime": moment_of(draft, obr, 7) or moment_of(draft, timing, 7) or moment_of(draft, obr, 36),
        "authoredOn": authored(draft, orc),
        "requester": practitioner_of(orc, 12, draft.source) or practitioner_of(obr, 16, draft.source),
        "reasonCode": [concept(reason, draft.source) for reason in obr.repetitions(31)],
        "supportingInfo": [{"reference": key.reference} for key in about],
        "specimen": [{"reference": key.reference} for key in specimens],
        "note": [present({"text": text}) for text in (obr.text(13), obr.text(39, 2)) if text],
    }
    key = draft.own("ServiceRequest", *parts)
    identifiers = number_identifiers(draft.source, number, each.filler)
    if draft.kind.startswith("OMG"):
        # An examination whose system nobody knows may be one of imaging too.
        identifiers += accession_identifiers(draft.source, each)
    draft.add(key, content, identifiers=identifiers)
    draft.order("ServiceRequest", number, key, "revoked")
    return key


def _parent(draft: Draft, each: Asked) -> list[dict[str, Any]]:
    parent = each.orc.text(8, 1) if each.orc else ""
    parent = parent or (each.obr.text(29, 1) if each.obr else "")
    return order_reference(draft, "ServiceRequest", parent) if parent != each.number else []
