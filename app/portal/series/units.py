"""A result's number in the unit of its series: exact, and shown with as many digits as were sent."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction

from app.portal.items import Json
from fhir.spec.units import SYSTEM
from fhir.spec.written_units import converted, exact, measure_of, ucum_of

Measure = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The numbers of a result, and their unit."""

    numbers: tuple[Fraction, ...] = ()
    """In the order of components; none of a result that is a word, or only a limit (`<0.5`)."""
    digits: int = 0
    """Significant digits of the first number."""
    unit: str = ""
    """As it was written."""
    code: str = ""
    """Of UCUM, empty when it is none."""


def _of_quantity(quantity: Json) -> tuple[Fraction | None, int]:
    number = exact(quantity.get("value"))
    if number is None or quantity.get("comparator"):
        return None, 0
    return number, len(Decimal(str(quantity["value"])).as_tuple().digits)


def measured(observation: Json) -> Measured:
    """Return the numbers of an Observation, of a panel those of its components."""
    parts = [observation, *observation.get("component", ())]
    quantities = [one["valueQuantity"] for one in parts if isinstance(one.get("valueQuantity"), dict)]
    if not quantities:
        return Measured()
    first = quantities[0]
    unit = str(first.get("unit") or first.get("code", ""))
    code = str(first["code"]) if first.get("system") == SYSTEM and first.get("code") else ""
    found = [_of_quantity(one) for one in quantities]
    numbers = tuple(number for number, _ in found if number is not None)
    whole = len(numbers) == len(found)
    return Measured(numbers if whole else (), found[0][1], unit, ucum_of(code) or ucum_of(unit))


def measure(one: Measured, analyte: str) -> Measure:
    """Return what a result measures: equal where one is a number in the unit of the other; empty without a unit."""
    if not one.unit and not one.code:
        return ()
    return measure_of(one.code, analyte) or ("as written", one.unit)


def unit_of_series(results: Sequence[Measured]) -> Measured:
    """Return the result whose unit the series has: the one that most are written in, of equals the newest's."""
    counts = Counter(one.code or one.unit for one in results if one.unit or one.code)
    if not counts:
        return Measured()
    most = max(counts.values())
    return next(one for one in reversed(results) if counts.get(one.code or one.unit) == most)


def in_unit(one: Measured, of: Measured, analyte: str) -> tuple[Fraction, ...]:
    """Return the numbers of a result in the unit of another; none where they cannot be converted."""
    if one.unit == of.unit:
        return one.numbers
    found = tuple(converted(number, one.code, of.code, analyte) for number in one.numbers if one.code and of.code)
    return tuple(number for number in found if number is not None)


def is_same(one: Measured, of: Measured, analyte: str) -> bool:
    """Return whether two units are one, however they are written."""
    return one.unit == of.unit or (
        bool(one.code and of.code) and converted(Fraction(1), one.code, of.code, analyte) == 1
    )


def shown(number: Fraction, digits: int) -> str:
    """Return a number with as many significant digits as were sent, three at least."""
    context = Context(prec=max(3, min(digits, 12)))
    found = context.divide(Decimal(number.numerator), Decimal(number.denominator))
    text = f"{found:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
