"""Number search: numbers as the range their significant digits stand for.

https://hl7.org/fhir/R4/search.html#number
"""

import math
import re
from decimal import Decimal
from typing import Any, SupportsFloat

from fhir.errors import InvalidValue
from fhir.search.values import NumberValue, split_prefix

Row = tuple[float, float]
"""The lowest and the highest number meant; the same for a plain number."""

LOWEST = -1.7976931348623157e308
"""`lo` of a range without a low end: the lowest double, since not every database keeps infinities."""

HIGHEST = 1.7976931348623157e308
"""`hi` of a range without a high end."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")

_ONE_DIGIT = re.compile(r"[-+]?[0-9][eE]")


def number(value: object) -> float | None:
    """Return a JSON number as a double; None for anything else, and for numbers a double cannot hold."""
    if type(value) is not float and type(value) is not int:
        return None
    try:
        double = float(value)
    except OverflowError:
        return None
    return double if math.isfinite(double) else None


def of_number(value: Any) -> list[Row]:
    """Return the row of a decimal or an integer."""
    double = number(value)
    return [] if double is None else [(double, double)]


def of_range(value: Any) -> list[Row]:
    """Return the row of a Range; an end it does not have is `LOWEST` or `HIGHEST`."""
    if type(value) is not dict:
        return []
    low, high = (number(end.get("value")) if type(end) is dict else None for end in map(value.get, ("low", "high")))
    if low is None and high is None:
        return []
    return [(LOWEST if low is None else low, HIGHEST if high is None else high)]


EXTRACTORS = {"decimal": of_number, "integer": of_number, "Range": of_range}


Range = tuple[Decimal, Decimal, Decimal]
"""The lowest number meant, the lowest one beyond, and the number."""


def significant_range(text: str) -> Range:
    """Return the range that a number's digits stand for, and the number.

    Args:
        text: `100` stands for [99.5, 100.5), `100.00` for [99.995, 100.005), `1e2` for [95, 105).

    Raises:
        InvalidValue: `text` is not a number.
    """
    if len(text) > 64 or not _NUMBER.fullmatch(text):
        raise InvalidValue(f"not a number: {text[:70]!r}")
    value = Decimal(text)
    last_digit = int(value.as_tuple().exponent)
    if _ONE_DIGIT.match(text):
        # One significant digit would make 1e2 the range [50, 150); R4's own example says [95, 105).
        last_digit -= 1
    half = Decimal((0, (5,), last_digit - 1))
    return value - half, value + half, value


def compared_range(prefix: str, text: str) -> Range:
    """Return the range a number stands for after a prefix: `ap` means at least a tenth of it more or less."""
    lo, hi, value = significant_range(text)
    tenth = abs(value) / 10 if prefix == "ap" else Decimal(0)
    return min(lo, value - tenth), max(hi, value + tenth), value


def doubles(lo: SupportsFloat, hi: SupportsFloat, value: SupportsFloat) -> tuple[float, float, float]:
    """Return a range as index rows have it.

    Raises:
        InvalidValue: a double cannot hold it.
    """
    try:
        found = float(lo), float(hi), float(value)
    except OverflowError:
        found = math.inf, math.inf, math.inf
    if math.isinf(found[0]) or math.isinf(found[1]):
        raise InvalidValue("not a number that fits 64 bits")
    return found


def parse(text: str) -> NumberValue:
    """Return the comparison that a prefix and a number ask for.

    Raises:
        InvalidValue: `text` is not a number with or without a prefix, or one that a double cannot hold.
    """
    prefix, rest = split_prefix(text)
    return NumberValue(prefix, *doubles(*compared_range(prefix, rest)))
