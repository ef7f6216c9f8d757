"""Values of resources as texts: concepts, quantities, ranges and flags, in the sender's digits.

https://hl7.org/fhir/R4/datatypes.html
"""

from collections.abc import Iterable, Mapping
from typing import Any

from app.portal.ranges import NOBODY, Subject, fit, range_text
from fhir.spec.written_units import code_of, converted, exact

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


def bounds(observation: Json, who: Subject = NOBODY, day: str = "") -> tuple[float | None, float | None]:
    """Return the reference range of an Observation that is the person's, as numbers; None where it is open."""
    chosen = fit(observation, who, day)
    if chosen is None:
        return None, None
    one = observation["referenceRange"][chosen]
    unit = observation.get("valueQuantity", {})
    return _in_unit(one.get("low"), unit), _in_unit(one.get("high"), unit)


def _in_unit(end: Any, of: Json) -> float | None:
    """Return an end of a range in the unit of its result; None where that cannot be told."""
    found = number(end)
    if found is None or not end.get("unit") or end.get("unit") == of.get("unit"):
        return found
    exact_ = exact(end["value"])
    other = None if exact_ is None else converted(exact_, code_of(end), code_of(of), "")
    return None if other is None else float(other)


def reference_range(observation: Json, who: Subject = NOBODY, day: str = "") -> str:
    """Return the reference range of an Observation that is the person's, as `range_text` says it."""
    chosen = fit(observation, who, day)
    return "" if chosen is None else range_text(observation["referenceRange"][chosen])


def interpretation(observation: Json, who: Subject = NOBODY, day: str = "") -> str:
    """Return the flag of an Observation: the lab's, else what follows from the person's reference range."""
    for one in observation.get("interpretation", ()):
        for coding in one.get("coding", ()):
            if "code" in coding:
                return _FLAGS.get(coding["code"], "")
    value_ = observation.get("valueQuantity")
    found = number(value_)
    if found is None:
        return ""
    low, high = bounds(observation, who, day)
    comparator = value_.get("comparator", "") if isinstance(value_, dict) else ""
    if high is not None and "<" not in comparator and (found > high or (comparator == ">" and found == high)):
        return "H"
    # What is below a limit that is itself below the range is low; below a limit within the range it is not known.
    is_low = low is not None and ">" not in comparator and (found < low or (comparator == "<" and found == low))
    return "L" if is_low else ""


def people_text(references: Iterable[Json]) -> str:
    """Return the names of people and places that References carry."""
    return "、".join(dict.fromkeys(str(one["display"]) for one in references if one.get("display")))
