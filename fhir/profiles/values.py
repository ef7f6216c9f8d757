"""Values: fixed, pattern, least and greatest value, length.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation
"""

from decimal import Decimal
from typing import Any

_NUMBERS = (int, float, Decimal)


def same(value: Any, fixed: Any) -> bool:
    """Return whether a value is exactly `fixed`; 6.30 is 6.3."""
    if isinstance(fixed, dict):
        if not isinstance(value, dict) or value.keys() != fixed.keys():
            return False
        return all(same(value[name], one) for name, one in fixed.items())
    if isinstance(fixed, list):
        return (
            isinstance(value, list)
            and len(value) == len(fixed)
            and all(same(one, wanted) for one, wanted in zip(value, fixed, strict=True))
        )
    return _equal(value, fixed)


def follows(value: Any, pattern: Any) -> bool:
    """Return whether a value holds at least what `pattern` does: each of its elements, each of its repetitions."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and follows(value[name], one) for name, one in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(follows(one, wanted) for one in value) for wanted in pattern)
    return _equal(value, pattern)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, _NUMBERS) and isinstance(wanted, _NUMBERS):
        return Decimal(str(value)) == Decimal(str(wanted))
    return bool(value == wanted)


def compare(value: Any, limit: Any) -> int | None:
    """Return -1, 0 or 1 as a value is below, at or above a limit; None when that cannot be told.

    Numbers, dates and times (by their common precision, and by instant only where both have the same zone), and
    quantities of the same unit.
    """
    if isinstance(value, dict) and isinstance(limit, dict):
        units = [(one.get("system"), one.get("code", one.get("unit"))) for one in (value, limit)]
        return compare(value.get("value"), limit.get("value")) if units[0] == units[1] else None
    if isinstance(value, _NUMBERS) and isinstance(limit, _NUMBERS) and not isinstance(value, bool):
        left, right = Decimal(str(value)), Decimal(str(limit))
        return (left > right) - (left < right)
    if isinstance(value, str) and isinstance(limit, str):
        return _compare_times(value, limit)
    return None


def _compare_times(value: str, limit: str) -> int | None:
    size = min(len(value), len(limit))
    if size > 10 and value[19:] != limit[19:]:
        size = 10
    left, right = value[:size], limit[:size]
    if left == right and (size == 10 or len(value) != len(limit)):
        return None if len(value) != len(limit) or size < len(value) else 0
    return (left > right) - (left < right)
