"""Elements that recur: what was once found of an element holds for every other with the same JSON.

A record says the same again and again: categories, codes, units, reference ranges, its patient. To write such an
element as JSON and look that up takes a tenth of the time of looking at it anew.
"""

from collections.abc import Callable
from itertools import count
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

    __slots__ = ("_numbers", "known")

    def __init__(self) -> None:
        self.known: dict[tuple[int, int, bytes], T] = {}
        self._numbers = count()

    def number(self) -> int:
        """Return a number for another kind of finding, to begin its keys with."""
        return next(self._numbers)

    def keep(self, key: tuple[int, int, bytes], finding: T) -> None:
        """Note a finding; that of an element with much JSON is not noted."""
        if len(key[2]) <= LONGEST:
            if len(self.known) >= MOST:
                self.known.clear()
            self.known[key] = finding

    def once(self, find: Callable[[Any], T]) -> Callable[[Any], T]:
        """Return the same function of an element, which looks only once at those that recur."""
        number = self.number()

        def found(element: Any) -> T:
            json = written(element)
            if json is None:
                return find(element)
            key = (number, 0, json)
            finding = self.known.get(key)
            if finding is None:
                finding = find(element)
                self.keep(key, finding)
            return finding

        return found


def written(element: Any) -> bytes | None:
    """Return the JSON of an element, by which it recurs; None if it has another tree than JSON's reader makes."""
    try:
        return orjson.dumps(element)
    except TypeError:
        # Decimals of an exact reading, or text that is no Unicode.
        return None
