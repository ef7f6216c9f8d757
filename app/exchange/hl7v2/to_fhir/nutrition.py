"""OMD: meals as NutritionOrder. HL7 2.5 section 4.7 (ODS); JP Core has no profile of it."""

from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.coded import concept, identity
from app.exchange.hl7v2.to_fhir.dosage import usage
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.order import (
    GONE,
    asked_by_department,
    authored,
    gone,
    number_identifiers,
    period,
)
from app.exchange.hl7v2.to_fhir.people import practitioner_of


def draw(draft: Draft) -> None:
    """Make a NutritionOrder of each order of meals."""
    for group in draft.message.groups("ORC"):
        rows = [segment for segment in group if segment.name in {"ODS", "ODT"}]
        if rows:
            _draw_order(draft, group, rows)
        elif group[0].text(1) in GONE:
            draft.order("NutritionOrder", group[0].text(2), None, "revoked")


def _draw_order(draft: Draft, group: Sequence[Segment], rows: Sequence[Segment]) -> None:
    orc, source = group[0], draft.source
    number = orc.text(2)
    diets = [each for row in rows if row.text(1) != "P" for each in row.repetitions(3)]
    wishes = [each for row in rows if row.text(1) == "P" for each in row.repetitions(3)]
    told = [text for row in rows if (text := row.text(4) if row.name == "ODS" else row.text(3))]
    schedules = []
    for timing in (segment for segment in group if segment.name == "TQ1"):
        repeat = {"boundsPeriod": period(draft, timing, 7, 8)}
        schedules.append(present({"repeat": present(repeat), "code": usage(draft, timing)}))
    content: dict[str, Any] = {
        "extension": asked_by_department(draft, orc),
        "status": gone(orc.text(1), "revoked", "revoked") or "active",
        "intent": "order",
        "patient": draft.subject,
        "dateTime": authored(draft, orc),
        "orderer": practitioner_of(orc, 12, source),
        "foodPreferenceModifier": [concept(each, source) for each in wishes],
        "oralDiet": present(
            {
                "type": [concept(each, source) for each in diets],
                "schedule": [each for each in schedules if each],
                "instruction": "、".join(told),
            }
        ),
    }
    parts = (number or draft.message.control_id, *(identity(each) for each in diets[:1]))
    key = draft.own("NutritionOrder", *parts)
    draft.add(key, content, identifiers=number_identifiers(source, number, orc.text(3)))
    draft.order("NutritionOrder", number, key, "revoked")
