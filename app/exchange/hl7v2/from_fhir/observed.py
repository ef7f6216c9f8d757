"""OBX and NTE: one result."""

from collections.abc import Iterable
from typing import Any

from app.exchange.hl7v2.from_fhir.values import coded, digits, identifier, moment, person, unit
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.write import Component, Components, Field, Line, segment

_STATUSES = {
    "final": "F",
    "preliminary": "P",
    "registered": "I",
    "corrected": "C",
    "amended": "C",
    "cancelled": "X",
    "entered-in-error": "D",
}


def observed(one: Resource, number: int, source: Source) -> Iterable[Line]:
    """Yield OBX of an Observation, and NTE of its notes."""
    kind, value = value_of(one, source)
    measured = one.get("valueQuantity") or one.get("valueRange", {}).get("low")
    code, text, name = unit(measured, source)
    fields: dict[int, Field] = {
        1: str(number),
        2: kind,
        3: coded(one.get("code"), source),
        4: identifier(one, source.local("sub-id")),
        5: value,
        6: (code, text, name) if name else code,
        7: [_range(each) for each in one.get("referenceRange", ())],
        8: [_flag(each) for each in one.get("interpretation", ())],
        11: _STATUSES.get(one.get("status", ""), "N"),
        14: moment(one.get("effectiveDateTime", "") or one.get("effectivePeriod", {}).get("start", ""), source),
        16: [person(each) for each in one.get("performer", ()) if person(each)],
        17: coded(one.get("method"), source),
    }
    yield segment("OBX", {place: field for place, field in fields.items() if field not in ("", [])})
    for place, note in enumerate(one.get("note", ()), start=1):
        yield segment("NTE", {1: str(place), 3: note.get("text", "")})


def value_of(one: Resource, source: Source) -> tuple[str, Field]:
    """Return OBX-2 and OBX-5 of a value; of none, two empty ones."""
    if "valueQuantity" in one:
        quantity = one["valueQuantity"]
        if quantity.get("comparator"):
            return "SN", (quantity["comparator"], digits(quantity))
        return "NM", digits(quantity)
    if "valueRange" in one:
        low, high = one["valueRange"].get("low"), one["valueRange"].get("high")
        return "SN", ("", digits(low), "-", digits(high))
    if "valueRatio" in one:
        ratio = one["valueRatio"]
        return "SN", ("", digits(ratio.get("numerator")), ":", digits(ratio.get("denominator")))
    if "valueCodeableConcept" in one:
        return "CWE", coded(one["valueCodeableConcept"], source)
    if "valueDateTime" in one:
        return "TS", moment(one["valueDateTime"], source)
    return _plain(one)


def _plain(one: Resource) -> tuple[str, Field]:
    for name in ("valueString", "valueInteger", "valueBoolean", "valueTime"):
        if name in one:
            lines = str(one[name]).split("\n")
            return ("ST", lines[0]) if len(lines) == 1 else ("TX", list[Components](lines))
    return "", ""


def _range(one: dict[str, Any]) -> Component:
    text = one.get("text", "")
    if text:
        return str(text)
    low, high = digits(one.get("low")), digits(one.get("high"))
    if low and high:
        return f"{low}-{high}"
    return f">={low}" if low else f"<={high}" if high else ""


def _flag(one: dict[str, Any]) -> Component:
    codings = one.get("coding", ())
    return str(codings[0].get("code", "")) if codings else str(one.get("text", ""))
