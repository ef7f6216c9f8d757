"""Which of an Observation's reference ranges is that of the person: by kind, sex, and age at the time.

https://hl7.org/fhir/R4/observation-definitions.html#Observation.referenceRange
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from fhir.spec.written_units import code_of, converted, exact

Json = Mapping[str, Any]

_SEXES = {
    **dict.fromkeys(("male", "M", "248153007", "男性", "男"), "male"),
    **dict.fromkeys(("female", "F", "248152002", "女性", "女"), "female"),
}
"""Codes and words of sexes in `appliesTo`: FHIR, HL7 v3, SNOMED CT, and Japanese."""

_NORMAL = ("normal", "N", "normal range")


@dataclass(frozen=True, slots=True)
class Subject:
    """What ranges depend on."""

    gender: str = ""
    birth_date: str = ""
    """A FHIR date; an age is known only from one that is exact to the day."""


NOBODY = Subject()


def _codes(concept: Json) -> Iterator[str]:
    yield str(concept.get("text", ""))
    for coding in concept.get("coding", ()):
        yield str(coding.get("code", ""))
        yield str(coding.get("display", ""))


def _is_normal(one: Json) -> bool:
    """Return whether a range is that of healthy people: by its type, or because it has none."""
    words = [word for word in _codes(one.get("type", {})) if word]
    return not words or any(word.casefold() in map(str.casefold, _NORMAL) for word in words)


def _sexes(one: Json) -> set[str]:
    return {_SEXES[word] for concept in one.get("appliesTo", ()) for word in _codes(concept) if word in _SEXES}


def _days(quantity: Json) -> Fraction | None:
    """Return an age in days; None for one that cannot be read."""
    number = exact(quantity.get("value"))
    return None if number is None else converted(number, code_of(quantity), "d", "")


def _age_days(who: Subject, day: str) -> int | None:
    try:
        return (date.fromisoformat(day) - date.fromisoformat(who.birth_date)).days
    except ValueError:
        return None


def _fits_age(one: Json, days: int | None) -> bool:
    age = one.get("age")
    if not isinstance(age, dict):
        return True
    if days is None:
        return False
    low, high = (_days(age[side]) if side in age else None for side in ("low", "high"))
    # The high age counts in whole: 15 years are those until the sixteenth birthday.
    top = None if high is None else high + (365 if code_of(age["high"]) == "a" else 1)
    return (low is None or days >= low - 1) and (top is None or days < top)


def fit(observation: Json, who: Subject = NOBODY, day: str = "") -> int | None:
    """Return which range is the person's, None when none is: the one that says most of what is true of the person.

    Args:
        observation: An Observation.
        who: The person.
        day: The day of the Observation, `2024-05-01`.
    """
    ranges: Sequence[Json] = observation.get("referenceRange", ())
    days, best = _age_days(who, day), (-1, 0)
    for number, one in enumerate(ranges):
        sexes = _sexes(one)
        if not _is_normal(one) or (sexes and who.gender not in sexes) or not _fits_age(one, days):
            continue
        says = bool(sexes) + isinstance(one.get("age"), dict)
        if says > best[0]:
            best = (says, number)
    return best[1] if best[0] >= 0 else None


def range_text(one: Json) -> str:
    """Return a range: `4.6–6.2`, `≤ 150`, or the lab's own words."""
    low, high = (one.get(side, {}).get("value") for side in ("low", "high"))
    if low is not None and high is not None:
        return f"{low}–{high}"
    if low is not None or high is not None:
        return f"≥ {low}" if low is not None else f"≤ {high}"
    return str(one.get("text", ""))


def told(one: Json) -> str:
    """Return a range with what it is for: `11.6–14.8 g/dL (女性, 15–)`."""
    unit = next((str(one[side].get("unit", "")) for side in ("low", "high") if side in one), "")
    parts = [next(filter(None, _codes(concept)), "") for concept in one.get("appliesTo", ())]
    if isinstance(one.get("age"), dict):
        ends = [one["age"].get(side, {}) for side in ("low", "high")]
        unit_of_age = next((str(end.get("unit", "")) for end in ends if end.get("unit")), "")
        parts.append("–".join(str(end.get("value", "")) for end in ends) + unit_of_age)
    if not _is_normal(one):
        parts.append(next(filter(None, _codes(one["type"])), ""))
    text = f"{range_text(one)} {unit}".strip()
    return f"{text} ({', '.join(filter(None, parts))})" if any(parts) else text
