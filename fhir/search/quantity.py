"""Quantity search: numbers with a unit, matched by system and code, by code, or by the unit's text.

A unit of UCUM that is asked with its system finds what is written in other units that measure the same: the question is
converted, with the range that its digits stand for, not what is stored.
https://hl7.org/fhir/R4/search.html#quantity
"""

from contextlib import suppress
from fractions import Fraction
from typing import Any

from fhir.errors import InvalidValue
from fhir.search.hashing import hash64
from fhir.search.number import HIGHEST, LOWEST, Range, compared_range, doubles, number, of_range
from fhir.search.values import QuantityValue, split, split_prefix, unescape
from fhir.spec.ucum import convert, read
from fhir.spec.units import SYSTEM, commensurable

Row = tuple[int, float, float]
"""The hash of the unit (0: any), the lowest and the highest number meant."""

CURRENCY = "urn:iso:std:iso:4217"
"""The code system of `Money.currency`."""


def units(system: object, code: object, unit: object) -> list[int]:
    """Return the hashes a quantity is found by: 0, `system|code`, `|code`, `|unit`."""
    hashes = [0]
    if type(code) is str:
        if type(system) is str:
            hashes.append(hash64(f"{system}|{code}"))
        hashes.append(hash64(f"|{code}"))
    if type(unit) is str and unit != code:
        hashes.append(hash64(f"|{unit}"))
    return hashes


def of_quantity(value: Any) -> list[Row]:
    """Return the rows of a Quantity, one for each way its unit can be asked; `<5` is all numbers up to 5."""
    if type(value) is not dict or (lo := number(value.get("value"))) is None:
        return []
    hi = lo
    if comparator := value.get("comparator"):
        lo, hi = (LOWEST if comparator in ("<", "<=") else lo), (HIGHEST if comparator in (">", ">=") else hi)
    return [(unit, lo, hi) for unit in units(value.get("system"), value.get("code"), value.get("unit"))]


def of_money(value: Any) -> list[Row]:
    """Return the rows of a Money; its currency is an ISO 4217 code."""
    if type(value) is not dict or (amount := number(value.get("value"))) is None:
        return []
    return [(unit, amount, amount) for unit in units(CURRENCY, value.get("currency"), None)]


def of_quantity_range(value: Any) -> list[Row]:
    """Return the rows of a Range of quantities, in the unit of its low or else of its high end."""
    rows = of_range(value)
    if not rows:
        return []
    (lo, hi), end = rows[0], value["low"] if type(value.get("low")) is dict else value["high"]
    return [(unit, lo, hi) for unit in units(end.get("system"), end.get("code"), end.get("unit"))]


EXTRACTORS = {
    "Quantity": of_quantity,
    "Age": of_quantity,
    "Duration": of_quantity,
    "Money": of_money,
    "Range": of_quantity_range,
}


def parse(text: str) -> QuantityValue:
    """Return the comparison that `[prefix]number`, `number|system|code` or `number||code` asks for.

    Raises:
        InvalidValue: `text` has another number of parts, or a system without a code.
    """
    prefix, rest = split_prefix(text)
    amount, *unit = (unescape(part) for part in split(rest, "|"))
    meant = compared_range(prefix, amount)
    if unit and (len(unit) != 2 or (unit[0] and not unit[1])):
        raise InvalidValue(f"not a quantity, [number]|[system]|[code]: {text!r}")
    unit_hash = hash64("|".join(unit)) if unit and unit[1] else 0
    others = _converted(meant, unit[1]) if unit and unit[0] == SYSTEM else ()
    return QuantityValue(prefix, *doubles(*meant), unit_hash, others)


def _converted(meant: Range, code: str) -> tuple[tuple[float, float, float, int], ...]:
    """Return what is meant in the units in use that measure what a code does."""
    own = read(code)
    if own is None:
        return ()
    found = []
    numbers = [Fraction(number) for number in meant]
    for other in commensurable(code):
        unit = read(other)
        if unit is not None:
            # Exact until the last step: 0.0054 g are the very double that 5.4 mg are.
            with suppress(InvalidValue):
                lo, hi, value = (convert(number, own, unit) for number in numbers)
                found.append((*doubles(lo, hi, value), hash64(f"{SYSTEM}|{other}")))
    return tuple(found)
