"""OBX and NTE: results as Observation. ConceptMaps segment-oml-11-obx-*, segment-adt-00-obx-*."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.coded import concept, hl7, identity
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.hl7v2.to_fhir.moments import moment, moment_of
from app.exchange.hl7v2.to_fhir.people import practitioner
from app.exchange.hl7v2.to_fhir.quantity import compared, number, quantity, unit_of
from app.exchange.hl7v2.to_fhir.systems import CORE, TERMINOLOGY

STATUSES = {
    "F": "final",
    "U": "final",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "I": "registered",
    "O": "registered",
    "C": "corrected",
    "X": "cancelled",
    "D": "entered-in-error",
    "W": "entered-in-error",
    "N": "unknown",
}
"""HL7 table 0085."""

_FLAGS = frozenset(
    ["L", "H", "LL", "HH", "N", "A", "AA", "S", "R", "I", "MS", "VS", "<", ">", "U", "D", "B", "W", "POS", "NEG"]
)
"""Of HL7 table 0078, those that v3-ObservationInterpretation has too."""

_RANGE = re.compile(r"([+-]?[\d.]+)\s*[-~〜～−ー]\s*([+-]?[\d.]+)(\s*[^\d\s].*)?")


@dataclass(frozen=True, slots=True)
class Of:
    """What results belong to."""

    parts: tuple[str, ...] = ()
    """What tells them from the results of other requests of the patient."""
    at: str = ""
    """When they are of, where they do not say."""
    issued: str = ""
    category: str = ""
    """A code of JP_SimpleObservationCategory_CS; by what is measured, where it is empty."""
    extension: list[dict[str, Any]] = field(default_factory=list)
    identifiers: list[dict[str, Any]] = field(default_factory=list)
    links: dict[str, Any] = field(default_factory=dict)
    """Further members: basedOn, specimen, partOf."""


def draw_rows(draft: Draft, rows: Sequence[Segment], of: Of) -> list[Key]:
    """Make the Observations of OBX rows, each with the notes after it; return their keys."""
    keys = []
    for place, row in enumerate(rows):
        if row.name != "OBX":
            continue
        notes = []
        for each in rows[place + 1 :]:
            if each.name != "NTE":
                break
            notes.append("\n".join(part.text() for part in each.repetitions(3)))
        key = _draw(draft, row, [note for note in notes if note], of)
        if key is not None:
            keys.append(key)
    return keys


def _draw(draft: Draft, row: Segment, notes: list[str], of: Of) -> Key | None:
    what = row.repetitions(3)
    if not what:
        draft.report(row, 3, "the result does not say what was observed; it is not taken")
        return None
    status = row.text(11)
    if status not in STATUSES:
        draft.report(row, 11, f"{status!r} is no result status of HL7 table 0085")
    value = value_of(draft, row)
    unit = unit_of(row, 6, draft.source)
    content: dict[str, Any] = {
        "extension": of.extension,
        "status": STATUSES.get(status, "unknown"),
        "category": categories(of.category or category_of(what[0])),
        "code": concept(what[0], draft.source),
        "subject": draft.subject,
        **of.links,
        "effectiveDateTime": moment_of(draft, row, 14) or of.at,
        "issued": of.issued,
        "performer": [person for each in row.repetitions(16) if (person := practitioner(each, draft.source))],
        **value,
        "dataAbsentReason": {} if value or status not in {"X", "N"} else hl7("data-absent-reason", "not-performed"),
        "interpretation": [_interpretation(each) for each in row.repetitions(8)],
        "note": [{"text": each} for each in notes],
        "method": concept(row.repetitions(17)[0], draft.source) if row.repetitions(17) else {},
        "referenceRange": [_range(each.text() or each.shown(), unit) for each in row.repetitions(7)],
    }
    identifiers = list(of.identifiers)
    if row.text(4):
        identifiers.append({"system": draft.source.local("sub-id"), "value": row.text(4)})
    key = draft.own("Observation", *of.parts, identity(what[0]), row.text(4))
    return draft.add(key, content, identifiers=identifiers)


def categories(code: str) -> list[dict[str, Any]]:
    """Return a category as JP Core and as HL7 write it."""
    if not code:
        return []
    return [
        {"coding": [{"system": f"{CORE}CodeSystem/JP_SimpleObservationCategory_CS", "code": code}]},
        {"coding": [{"system": f"{TERMINOLOGY}observation-category", "code": code}]},
    ]


def category_of(what: Repetition) -> str:
    """Return the category of what JLAC10 names: 9N are measurements of the body, 9A to 9Z examinations."""
    code = what.text(1)
    if what.text(3) in {"JC10", "JLAC10"}:
        if code.startswith("9N"):
            return "vital-signs"
        return "procedure" if code.startswith("9") else "laboratory"
    return "laboratory" if what.text(3) == "LN" else "exam"


def value_of(draft: Draft, row: Segment) -> dict[str, Any]:
    """Return the member `value[x]` of a row by its type in OBX-2; empty where it has no value."""
    values = row.repetitions(5)
    if not values:
        return {}
    kind, first = row.text(2), values[0]
    unit = unit_of(row, 6, draft.source)
    if kind in {"NM", "SN"}:
        return _number(draft, row, first, unit)
    if kind in {"CWE", "CE", "CNE", "IS", "ID"}:
        several = [concept(each, draft.source) for each in values]
        if len(several) == 1:
            return {"valueCodeableConcept": several[0]}
        text = "、".join(each.get("text", "") for each in several)
        codings = [one for each in several for one in each.get("coding", [])]
        return {"valueCodeableConcept": present({"coding": codings, "text": text})}
    if kind in {"DT", "TS", "DTM"}:
        at = moment(first.text(), draft.source.zone)
        return {"valueDateTime": at} if at else {"valueString": first.text()}
    if kind == "ST" and unit:
        judged = compared(first.text())
        if judged or number(first.text()) is not None:
            return _number(draft, row, first, unit)
    if kind in {"XCN", "XPN"}:
        at_name = 2 if kind == "XCN" else 1
        return {"valueString": " ".join(filter(None, (first.text(at_name), first.text(at_name + 1))))}
    if kind in {"ED", "RP"}:
        return {}
    if kind not in {"ST", "TX", "FT", "TM"}:
        return {"valueString": " ".join(filter(None, map(first.text, range(1, 10))))}
    texts = [each.whole() if kind in {"TX", "FT", "ST"} else each.text() for each in values]
    return {"valueString": "\n".join(texts).strip()}


def _number(draft: Draft, row: Segment, value: Repetition, unit: dict[str, str]) -> dict[str, Any]:
    text = value.text()
    if row.text(2) == "SN" and value.text(2):
        return _structured(value, unit)
    made = quantity(text, unit)
    if made:
        return {"valueQuantity": made}
    judged = compared(text) if len(text) > 1 else None
    if judged:
        return {"valueQuantity": {"value": judged[1], "comparator": judged[0], **unit}}
    if row.text(2) == "NM":
        draft.report(row, 5, f"{text!r} is no number; it is kept as text")
    return {"valueString": text.strip()}


def _structured(value: Repetition, unit: dict[str, str]) -> dict[str, Any]:
    """Return a structured numeric: a comparator, a number, a separator and a second number; HL7 2.5 section 2.A.72."""
    mark, one, between, other = (value.text(place) for place in range(1, 5))
    first, second = quantity(one, unit), quantity(other, unit)
    if first and second and between == "-":
        return {"valueRange": {"low": first, "high": second}}
    if first and second and between in {":", "/"}:
        return {"valueRatio": {"numerator": first, "denominator": second}}
    if first and not between and mark in {"<", "<=", ">", ">=", "", "="}:
        comparator = {"comparator": mark} if mark not in {"", "="} else {}
        return {"valueQuantity": {"value": first["value"], **comparator, **unit}}
    return {"valueString": f"{mark}{one}{between}{other}"}


def _interpretation(flag: Repetition) -> dict[str, Any]:
    code = flag.text()
    if code in _FLAGS:
        return hl7("v3-ObservationInterpretation", code)
    return {"text": flag.text(2) or code or flag.shown()}


def _range(text: str, unit: dict[str, str]) -> dict[str, Any]:
    """Return a reference range: its text, and its bounds where it is one of `low-high`, `< high`, `> low`."""
    plain = text.strip()
    found = _RANGE.fullmatch(plain)
    if found:
        bounds = present({"low": quantity(found[1], unit), "high": quantity(found[2], unit)})
        return {**bounds, "text": text}
    judged = compared(plain)
    if judged:
        mark, value = judged
        return {("high" if mark.startswith("<") else "low"): {"value": value, **unit}, "text": text}
    return {"text": text}
