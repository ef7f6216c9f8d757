"""IAM and AL1: AllergyIntolerance. ConceptMaps segment-adt-61-iam-*, segment-adt-00-al1-*."""

from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.coded import concept, hl7, identity
from app.exchange.hl7v2.to_fhir.draft import Draft
from app.exchange.hl7v2.to_fhir.mapped import Action
from app.exchange.hl7v2.to_fhir.moments import moment_of

_CATEGORIES = {"DA": "medication", "FA": "food", "EA": "environment", "LA": "environment", "PA": "environment"}
_SEVERITIES = {"SV": "severe", "MO": "moderate", "MI": "mild"}
_CERTAINTIES = {"C": "confirmed", "CON": "confirmed", "R": "refuted", "E": "entered-in-error"}
_TYPES = {"AL": "allergy", "AD": "allergy", "CT": "intolerance", "IN": "intolerance", "SE": "intolerance"}
UNKNOWN_REACTION = "アレルギー反応情報なし"
"""What stands for a reaction that is not described."""


def draw(draft: Draft) -> None:
    """Make the AllergyIntolerances of an allergy message."""
    for segment in draft.message.all("IAM"):
        draw_row(draft, segment)


def draw_row(draft: Draft, segment: Segment) -> None:
    """Make the AllergyIntolerance of a row: of IAM, or of AL1, which has its first five fields."""
    what = segment.repetitions(3)
    if not what:
        draft.report(segment, 3, "the row does not say what the patient is allergic to; it is not taken")
        return
    known = segment.name == "IAM"
    category = _CATEGORIES.get(segment.text(2))
    severity = segment.text(4)
    began, began_text = (11, segment.text(12)) if known else (6, "")
    onset = moment_of(draft, segment, began)
    content: dict[str, Any] = {
        "clinicalStatus": hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": _certainty(segment) if known else {},
        "type": _TYPES.get(segment.text(9), "") if known else "",
        "category": [category] if category else [],
        "criticality": "high" if severity == "SV" else "",
        "code": concept(what[0], draft.source),
        "patient": draft.subject,
        "onsetDateTime": onset,
        "onsetString": "" if onset else began_text,
        "recordedDate": moment_of(draft, segment, 13) if known else "",
        "note": [{"text": began_text}] if onset and began_text else [],
        "reaction": _reactions(segment, severity),
    }
    action: Action | None = "delete" if known and segment.text(6) == "D" else None
    instance = segment.text(7) if known else ""
    key = draft.own("AllergyIntolerance", segment.text(2), instance or identity(what[0]))
    draft.add(key, content, action=action)


def _certainty(segment: Segment) -> dict[str, Any]:
    code = segment.text(17)
    return hl7("allergyintolerance-verification", _CERTAINTIES.get(code, "unconfirmed")) if code else {}


def _reactions(segment: Segment, severity: str) -> list[dict[str, Any]]:
    told = [each.text(2) or each.text(1) or each.shown() for each in segment.repetitions(5)]
    graded = {"severity": _SEVERITIES[severity]} if severity in _SEVERITIES else {}
    if not told and not graded:
        return []
    manifestations = [{"text": text} for text in told if text] or [{"text": UNKNOWN_REACTION}]
    description = {"description": "、".join(told)} if told else {}
    return [{"manifestation": manifestations, **description, **graded}]
