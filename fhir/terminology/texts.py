"""Many texts in little memory: their UTF-8 in one piece, and where each begins.

A `str` of Japanese takes 74 bytes and two for each character; a code system has tens of thousands.
"""

from array import array
from collections.abc import Iterable, Iterator


class Texts:
    """An unchangeable sequence of texts."""

    __slots__ = ("_bytes", "_starts")

    def __init__(self, texts: Iterable[str]) -> None:
        pieces = [text.encode("utf-8", "surrogatepass") for text in texts]
        starts = array("I", [0])
        for piece in pieces:
            starts.append(starts[-1] + len(piece))
        self._starts = starts
        self._bytes = b"".join(pieces)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[str]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> str:
        return self._bytes[self._starts[number] : self._starts[number + 1]].decode("utf-8", "surrogatepass")


class TextIndex:
    """Where a text stands in a `Texts`: the first place, where it is there twice."""

    __slots__ = ("_order", "_texts")

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        # Sorting is stable, so of equal texts the first comes first.
        self._order = array("I", sorted(range(len(texts)), key=texts.__getitem__))

    def _first(self, text: str) -> int:
        """Return the first place in the order whose text is not less."""
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) // 2
            if self._texts[self._order[middle]] < text:
                low = middle + 1
            else:
                high = middle
        return low

    def find(self, text: str) -> int | None:
        """Return the number of a text, None when it is not there."""
        place = self._first(text)
        if place < len(self._order) and self._texts[self._order[place]] == text:
            return self._order[place]
        return None

    def equal(self, text: str) -> list[int]:
        """Return every number of a text, in ascending order."""
        place, found = self._first(text), []
        while place < len(self._order) and self._texts[self._order[place]] == text:
            found.append(self._order[place])
            place += 1
        return found
