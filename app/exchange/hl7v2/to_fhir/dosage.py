"""RXE, TQ1, RXR: how a medication is taken, as JP_MedicationDosage."""

from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.coded import concept_of, of_components
from app.exchange.hl7v2.to_fhir.draft import Draft, present
from app.exchange.hl7v2.to_fhir.order import period
from app.exchange.hl7v2.to_fhir.quantity import named_unit, quantity, unit_of
from app.exchange.hl7v2.to_fhir.quantity import number as exact
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import EXTENSION, STANDARD, UCUM

_BASIC_USAGE = "http://jami.jp/CodeSystem/MedicationMethodBasicUsage"
_DAY = {"value": 1, "unit": "日", "system": UCUM, "code": "d"}
_SPANS = {"d": "d", "D": "d", "日": "d", "h": "h", "H": "h", "w": "wk", "W": "wk", "wk": "wk", "M": "mo", "mo": "mo"}


def dosage(draft: Draft, row: Segment, group: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return a Dosage for each timing (TQ1) of a row, or one without."""
    timings: list[Segment | None] = [segment for segment in group if segment.name == "TQ1"]
    way = next((segment for segment in group if segment.name == "RXR"), None)
    made = [_one(draft, row, timing, way) for timing in timings or [None]]
    return [each for each in made if each]


def usage(draft: Draft, timing: Segment | None) -> dict[str, Any]:
    """Return the usage of TQ1-3: a code of JAMI's sixteen digits, or a text."""
    if timing is None:
        return {}
    first, second, third = (timing.text(3, 1, place) for place in (1, 2, 3))
    return of_components((first, second, third), draft.source)


def _one(draft: Draft, row: Segment, timing: Segment | None, way: Segment | None) -> dict[str, Any]:
    source = draft.source
    used = usage(draft, timing)
    taken_for = period(draft, timing, 7, 8) if timing is not None else {}
    extensions = []
    if taken_for.get("start"):
        extensions.append({"url": f"{EXTENSION}JP_MedicationDosage_PeriodOfUse", "valuePeriod": taken_for})
    device = way.text(3, 2) or way.text(3) if way is not None else ""
    if device:
        extensions.append({"url": f"{EXTENSION}JP_MedicationDosage_Device", "valueReference": {"display": device}})
    return present(
        {
            "extension": extensions,
            "text": used.get("text", ""),
            "additionalInstruction": [{"text": text} for text in _instructions(timing)],
            "timing": present({"repeat": _repeat(timing), "code": used}),
            "asNeededBoolean": True if timing is not None and timing.text(9).startswith("PRN") else None,
            "site": concept_of(way, 2, source) if way is not None else {},
            "route": concept_of(way, 1, source) if way is not None else {},
            "method": (concept_of(way, 4, source) if way is not None else {}) or _method(used),
            "doseAndRate": [rate] if (rate := _dose_and_rate(draft, row)) else [],
        }
    )


def _instructions(timing: Segment | None) -> list[str]:
    return [text for field in (10, 11) if timing is not None and (text := timing.text(field, 2) or timing.text(field))]


def _method(used: dict[str, Any]) -> dict[str, Any]:
    """Return the way that JAMI's usage code begins with: 1 is by mouth, 2 is outside."""
    for one in used.get("coding", []):
        if one.get("system") == STANDARD["JAMISDP01"] and one["code"][:1] in {"1", "2", "3"}:
            return {"coding": [{"system": _BASIC_USAGE, "code": one["code"][:1]}]}
    return {}


def _repeat(timing: Segment | None) -> dict[str, Any]:
    if timing is None:
        return {}
    value, unit = exact(timing.text(6)), _SPANS.get(timing.text(6, 2, 1))
    lasts = {"value": value, "unit": timing.text(6, 2, 1), "system": UCUM, "code": unit} if unit else {}
    if unit == "d":
        lasts["unit"] = "日"
    count = timing.text(14)
    return present(
        {
            "boundsDuration": lasts if value is not None else {},
            "count": int(count) if count.isdecimal() and int(count[:9]) > 0 and len(count) < 9 else None,
        }
    )


def _dose_and_rate(draft: Draft, row: Segment) -> dict[str, Any]:
    source = draft.source
    unit = unit_of(row, 5, source)
    low, high = quantity(row.text(3), unit), quantity(row.text(4), unit)
    made: dict[str, Any] = {}
    if low and high and low != high:
        made["doseRange"] = {"low": low, "high": high}
    elif low or high:
        made["doseQuantity"] = low or high
    daily = next(iter(row.repetitions(19)), None)
    in_a_day = quantity(daily.text(1), _sub_unit(daily, source)) if daily is not None else {}
    rate = quantity(row.text(23), unit_of(row, 24, source))
    if in_a_day:
        made["rateRatio"] = {"numerator": in_a_day, "denominator": _DAY}
    elif rate:
        made["rateQuantity"] = rate
    return made


def _sub_unit(value: Repetition, source: Source) -> dict[str, str]:
    """Return the unit of a composite quantity, whose parts are subcomponents."""
    return named_unit(value.text(2, 1), value.text(2, 2), value.text(2, 3), source)
