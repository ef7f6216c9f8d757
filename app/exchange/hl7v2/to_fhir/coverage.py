"""IN1, ZI1: insurance as Coverage. ConceptMap segment-adt-00-in1-to-coverage; JP Core JP_Coverage."""

from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.coded import concept_of, with_codings
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.moments import day, moment_of
from app.exchange.hl7v2.to_fhir.systems import EXTENSION, MHLW_IDENTIFIER, TERMINOLOGY

_RELATIONS = {"SEL": "self", "SPO": "spouse", "CHD": "child", "PAR": "parent"}


def draw(draft: Draft, segment: Segment) -> None:
    """Make the Coverage of a row of insurance; ZI1 of PPR has the fields of IN1."""
    insurer, symbol, sub, number = segment.text(3), segment.text(10), segment.text(10, 2), segment.text(11)
    parts = (("InsuredPersonSymbol", symbol), ("InsuredPersonNumber", number), ("InsuredPersonSubNumber", sub))
    payor = {
        "type": "Organization",
        "identifier": {"system": f"{MHLW_IDENTIFIER}InsurerNumber", "value": insurer} if insurer else {},
        "display": segment.text(4) or segment.text(2, 2),
    }
    content: dict[str, Any] = {
        "extension": [
            {"url": f"{EXTENSION}JP_Coverage_{name}", "valueString": value} for name, value in parts if value
        ],
        "status": "active",
        "type": concept_of(segment, 2, draft.source),
        "subscriberId": number,
        "beneficiary": draft.subject,
        "dependent": sub,
        "relationship": _relationship(draft, segment),
        "period": present({"start": day(moment_of(draft, segment, 12)), "end": day(moment_of(draft, segment, 13))}),
        "payor": [present(payor)],
    }
    draft.add(draft.own("Coverage", segment.text(2), insurer, symbol, number), content)


def _relationship(draft: Draft, segment: Segment) -> dict[str, Any]:
    made = concept_of(segment, 17, draft.source)
    known = _RELATIONS.get(segment.text(17))
    also = [{"system": f"{TERMINOLOGY}subscriber-relationship", "code": known}] if known else []
    return with_codings(made, *also)
