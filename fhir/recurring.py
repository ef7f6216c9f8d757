"""Elements that recur: what was once found of an element holds for every other with the same JSON.

A record says the same again and again: categories, codes, units, reference ranges, its patient. To write such an
element as JSON and look that up takes a tenth of the time of looking at it anew.
"""

from typing import Any, Generic, TypeVar

import orjson

T = TypeVar("T")

LONGEST = 400
"""Bytes of JSON; what is longer hardly recurs."""

MOST = 8_192
"""Elements that are known at a time: some megabytes. Then all are forgotten, and those that recur are soon back."""

TYPES = frozenset(("CodeableConcept", "Coding", "Quantity", "SimpleQuantity", "Range", "Reference"))
"""The types whose values recur from one resource to the next."""


class Recurring(Generic[T]):
    """What is known of elements.

    Attributes:
        known: By a key that holds the element's JSON and whatever else the finding depends on.
    """

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[tuple[int, int, bytes], T] = {}

    def keep(self, key: tuple[int, int, bytes], finding: T) -> None:
        """Note a finding; that of an element with much JSON is not noted."""
        if len(key[2]) <= LONGEST:
            if len(self.known) >= MOST:
                self.known.clear()
            self.known[key] = finding


def written(element: Any) -> bytes | None:
    """Return the JSON of an element, by which it recurs; None if it has another tree than JSON's reader makes."""
    try:
        return orjson.dumps(element)
    except TypeError:
        # Decimals of an exact reading, or text that is no Unicode.
        return None
