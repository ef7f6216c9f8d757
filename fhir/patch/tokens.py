"""The words of a FHIRPath expression, its literals, and how they compare with JSON.

https://hl7.org/fhirpath/N1/#lexical-elements
"""

import operator
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from fhir.patch.exact import MalformedPatch

DEEPEST = 8
"""Brackets that may lie in brackets."""

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*|`[^`]+`)|(?P<this>\$this\b)|(?P<text>'(?:[^'\\]|\\.)*')"
    r"|(?P<number>-?\d+(?:\.\d+)?)|(?P<date>@[0-9T:.+\-Z]+)|(?P<mark>!=|<=|>=|[.\[\]()=<>]))",
    re.ASCII,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
"""The comparisons of two numbers."""


class Tokens:
    """The words of an expression, taken one after the other."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.depth = 0
        self._words: list[tuple[str, str]] = []
        self._position = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None:
                raise self.refused(f"what stands at character {position + 1}")
            kind = found.lastgroup or ""
            self._words.append((kind, found[kind]))
            position = found.end()

    def refused(self, what: str) -> MalformedPatch:
        """Return the failure that names what is not understood."""
        return MalformedPatch(f"The path {self.text} is not understood here: {what}")

    def kind(self, ahead: int = 0) -> str:
        """Return the kind of the next word, or an empty text at the end."""
        place = self._position + ahead
        return self._words[place][0] if place < len(self._words) else ""

    def peek(self, ahead: int = 0) -> str:
        """Return the next word, or an empty text at the end."""
        place = self._position + ahead
        return self._words[place][1] if place < len(self._words) else ""

    def take(self, kind: str) -> str:
        """Return the next word, which must be of a kind.

        Raises:
            MalformedPatch: it is not.
        """
        if self.kind() != kind:
            raise self.refused(f"{self.peek() or 'the end'} where a {kind} must be")
        self._position += 1
        return self.peek(-1)

    def name(self) -> str:
        """Return the next word, which must be a name, without the marks around it."""
        return self.take("name").strip("`")

    def passes(self, word: str) -> bool:
        """Return whether a mark or word comes next, and go past it."""
        if self.peek() != word or self.kind() == "text":
            return False
        self._position += 1
        return True

    def need(self, word: str) -> None:
        """Go past a mark that must come next.

        Raises:
            MalformedPatch: it does not.
        """
        if not self.passes(word):
            raise self.refused(f"{self.peek() or 'the end'} where {word} must be")

    def go_in(self) -> None:
        """Go past an opening bracket.

        Raises:
            MalformedPatch: there are too many of them.
        """
        self.need("(")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refused("so many brackets")

    def go_out(self) -> None:
        """Go past a closing bracket."""
        self.need(")")
        self.depth -= 1


def string(tokens: Tokens) -> str:
    """Return the next word, which must be a string, without its quotes and escapes."""
    text = tokens.take("text")[1:-1]
    return _ESCAPE.sub(lambda found: _escaped(found[1]), text)


def _escaped(text: str) -> str:
    if len(text) == 5:
        return chr(int(text[1:], 16))
    return _ESCAPES.get(text, text)


def literal(tokens: Tokens) -> str | bool | Decimal:
    """Return the next word, which must be a literal; a date is a text."""
    kind = tokens.kind()
    if kind == "text":
        return string(tokens)
    if kind == "number":
        return Decimal(tokens.take("number"))
    if kind == "date":
        return tokens.take("date")[1:]
    for word, value in (("true", True), ("false", False)):
        if tokens.passes(word):
            return value
    raise tokens.refused(f"{tokens.peek() or 'the end'} where a literal must be")


def is_number(value: Any) -> bool:
    """Return whether a JSON value is a number."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def equal(value: Any, wanted: str | bool | Decimal) -> bool:
    """Return whether a JSON value is a literal's: of the same kind, and the same."""
    if isinstance(wanted, Decimal):
        return is_number(value) and bool(value == wanted)
    return type(value) is type(wanted) and bool(value == wanted)
