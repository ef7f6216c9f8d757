"""Values of resources as texts: concepts, quantities, ranges and flags, in the sender's digits.

https://hl7.org/fhir/R4/datatypes.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

Json = Mapping[str, Any]

_FLAGS = {"H": "H", "HU": "H", "HH": "HH", "L": "L", "LU": "L", "LL": "LL", "A": "A", "AA": "A", "POS": "A"}
"""HL7 v3 ObservationInterpretation, as a flag of one or two letters."""


def concept(value: Any) -> str:
    """Return a CodeableConcept's text: its own, else the display of its first coding that has one, else a code."""
    if not isinstance(value, dict):
        return ""
    if value.get("text"):
        return str(value["text"])
    codings = value.get("coding", ())
    displays = [one["display"] for one in codings if one.get("display")]
    return str(displays[0] if displays else codings[0].get("code", "") if codings else "")


def quantity(value: Any) -> str:
    """Return a Quantity: `7.20 %`, `<0.05 mg/dL`."""
    if not isinstance(value, dict) or "value" not in value:
        return ""
    unit = value.get("unit") or value.get("code", "")
    return f"{value.get('comparator', '')}{value['value']} {unit}".strip()


def number(value: Any) -> float | None:
    """Return the number in a Quantity, or None."""
    if not isinstance(value, dict) or "value" not in value:
        return None
    return float(value["value"])


def value(observation: Json) -> str:
    """Return the result of an Observation or of one of its components; of a panel all of them: `130/67 mmHg`."""
    if "valueQuantity" in observation:
        return quantity(observation["valueQuantity"])
    for name in ("valueCodeableConcept", "dataAbsentReason"):
        if name in observation:
            return concept(observation[name])
    for name in ("valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueTime"):
        if name in observation:
            return str(observation[name])
    if "valueRatio" in observation:
        parts = (quantity(observation["valueRatio"].get(side)) for side in ("numerator", "denominator"))
        return " : ".join(filter(None, parts))
    return _components(observation.get("component", ()))


def _components(components: Iterable[Json]) -> str:
    quantities = [one.get("valueQuantity", {}) for one in components]
    units = {one.get("unit", "") for one in quantities}
    if len(quantities) == 2 and len(units) == 1 and all("value" in one for one in quantities):
        return f"{quantities[0]['value']}/{quantities[1]['value']} {units.pop()}".strip()
    return ", ".join(f"{concept(one.get('code'))} {value(one)}".strip() for one in components)


def bounds(observation: Json) -> tuple[float | None, float | None]:
    """Return the reference range of an Observation as numbers; None where it is open."""
    ranges = observation.get("referenceRange", ())
    if not ranges:
        return None, None
    return number(ranges[0].get("low")), number(ranges[0].get("high"))


def reference_range(observation: Json) -> str:
    """Return the reference range of an Observation: `4.6–6.2`, `≤ 150`, or the lab's own words."""
    for one in observation.get("referenceRange", ()):
        low, high = (one.get(side, {}).get("value") for side in ("low", "high"))
        if low is not None and high is not None:
            return f"{low}–{high}"
        if low is not None or high is not None:
            return f"≥ {low}" if low is not None else f"≤ {high}"
        return str(one.get("text", ""))
    return ""


def interpretation(observation: Json) -> str:
    """Return the flag of an Observation: the lab's, else what follows from the reference range."""
    for one in observation.get("interpretation", ()):
        for coding in one.get("coding", ()):
            if "code" in coding:
                return _FLAGS.get(coding["code"], "")
    found = number(observation.get("valueQuantity"))
    low, high = bounds(observation)
    if found is None:
        return ""
    if high is not None and found > high:
        return "H"
    return "L" if low is not None and found < low else ""


def people_text(references: Iterable[Json]) -> str:
    """Return the names of people and places that References carry."""
    return "、".join(dict.fromkeys(str(one["display"]) for one in references if one.get("display")))
