"""Regular expressions of value sets, which anybody may send: matched in time that grows with the text alone.

The expression is read into a nondeterministic automaton (Thompson), and that is followed by sets of its states, which
are kept, so that nothing is tried twice. What a backtracking engine needs for (a references, looking around) is not
read. A text must match as a whole, as https://hl7.org/fhir/R4/valueset-filter-operator.html has it.
"""

from collections.abc import Callable
from functools import partial
from typing import NoReturn

from fhir.errors import InvalidValue

LONGEST = 500
"""Characters of an expression."""
MOST_STATES = 3_000
"""States of the automaton; counted repetitions are written out."""
MOST_KEPT = 2_000
"""Sets of states that are kept; beyond, it begins anew."""
MOST_REPEATED = 200

Test = Callable[[str], bool]


def _is_word(one: str) -> bool:
    return one.isalnum() or one == "_"


_CLASSES: dict[str, Test] = {
    "d": lambda one: "0" <= one <= "9",
    "w": _is_word,
    "s": str.isspace,
    "D": lambda one: not "0" <= one <= "9",
    "W": lambda one: not _is_word(one),
    "S": lambda one: not one.isspace(),
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}


def _any(tests: list[Test], negated: bool, one: str) -> bool:
    return any(test(one) for test in tests) is not negated


def _between(low: str, high: str, one: str) -> bool:
    return low <= one <= high


class _State:
    """A state: after one character that passes the test, or at once, it goes to the next ones."""

    __slots__ = ("next", "test")

    def __init__(self, test: Test | None = None) -> None:
        self.test = test
        self.next: list[_State] = []


Piece = tuple[_State, _State]
"""Where a part of the expression begins and ends."""


class _Reader:
    """Reads an expression into states."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise InvalidValue(f"a regular expression has at most {LONGEST} characters")
        self._text = text
        self._at = 0
        self._states = 0

    def whole(self) -> Piece:
        """Return the automaton."""
        found = self._alternatives(0)
        if self._at < len(self._text):
            self._refuse()
        return found

    def _refuse(self) -> NoReturn:
        raise InvalidValue(f"this regular expression is not read here: {self._text[self._at : self._at + 20]!r}")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        one = self._peek()
        if not one:
            self._refuse()
        self._at += 1
        return one

    def _state(self, test: Test | None = None) -> _State:
        self._states += 1
        if self._states > MOST_STATES:
            raise InvalidValue("a regular expression is too large")
        return _State(test)

    def _alternatives(self, depth: int) -> Piece:
        if depth > 20:
            raise InvalidValue("a regular expression nests too deep")
        start, end = self._state(), self._state()
        while True:
            first, last = self._sequence(depth)
            start.next.append(first)
            last.next.append(end)
            if self._peek() != "|":
                return start, end
            self._take()

    def _sequence(self, depth: int) -> Piece:
        start = end = self._state()
        if not depth and self._peek() == "^":
            # A text matches as a whole, so its ends may be said or not.
            self._take()
        while self._peek() not in ("", "|", ")"):
            if not depth and self._peek() == "$" and self._text[self._at + 1 : self._at + 2] in ("", "|"):
                self._take()
                break
            first, end_of_part = self._repeated(depth)
            end.next.append(first)
            end = end_of_part
        return start, end

    def _repeated(self, depth: int) -> Piece:
        began = self._at
        piece = self._one(depth)
        least, most = self._times()
        if (least, most) == (1, 1):
            return piece
        start = end = self._state()
        for number in range(most if most is not None else max(least, 1)):
            if number:
                # A part that comes again is read again: the states of each time are its own.
                after, self._at = self._at, began
                piece = self._one(depth)
                self._at = after
            if number >= least:
                end.next.append(end_ := self._state())
                end.next.append(piece[0])
                piece[1].next.append(end_)
                end = end_
            else:
                end.next.append(piece[0])
                end = piece[1]
        if most is None:
            end.next.append(piece[0])
        return start, end

    def _times(self) -> tuple[int, int | None]:
        one = self._peek()
        if one in ("*", "+", "?"):
            self._take()
            found: tuple[int, int | None] = {"*": (0, None), "+": (1, None), "?": (0, 1)}[one]
        elif one == "{":
            found = self._counted()
        else:
            return 1, 1
        # Whether it takes much or little makes no difference for a text as a whole.
        if self._peek() == "?":
            self._take()
        if self._peek() in ("*", "+", "{"):
            self._refuse()
        return found

    def _counted(self) -> tuple[int, int | None]:
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : end].partition(",")
        numbers = [one for one in (low, high) if one]
        if end == -1 or not numbers or not all(one.isascii() and one.isdigit() and len(one) < 4 for one in numbers):
            self._refuse()
        least = int(low or 0)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > MOST_REPEATED or (most is not None and most < least):
            self._refuse()
        self._at = end + 1
        return least, most

    def _one(self, depth: int) -> Piece:
        one = self._take()
        if one == "(":
            if self._peek() == "?":
                if self._text[self._at : self._at + 2] != "?:":
                    self._refuse()
                self._at += 2
            found = self._alternatives(depth + 1)
            if self._take() != ")":
                self._refuse()
            return found
        if one in "*+?{)^$":
            self._at -= 1
            self._refuse()
        start, end = self._state(self._test(one)), self._state()
        start.next.append(end)
        return start, end

    def _test(self, one: str) -> Test:
        if one == ".":
            return lambda _: True
        if one == "[":
            return self._set()
        return self._escaped() if one == "\\" else one.__eq__

    def _escaped(self) -> Test:
        one = self._take()
        if one in _CLASSES:
            return _CLASSES[one]
        if one.isalnum() and one not in _CONTROLS:
            self._refuse()
        return _CONTROLS.get(one, one).__eq__

    def _set(self) -> Test:
        negated = self._peek() == "^"
        if negated:
            self._take()
        tests: list[Test] = []
        while True:
            one = self._take()
            if one == "]" and tests:
                return partial(_any, tests, negated)
            if one == "[":
                self._refuse()
            if one == "\\":
                tests.append(self._escaped())
            elif self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._take()
                high = self._take()
                if high in ("\\", "["):
                    self._refuse()
                tests.append(partial(_between, one, high))
            else:
                tests.append(one.__eq__)


class Pattern:
    """A regular expression.

    Args:
        text: As a value set has it.

    Raises:
        InvalidValue: it is none, or one that is not read here.
    """

    def __init__(self, text: str) -> None:
        start, self._end = _Reader(text).whole()
        self._start = _closed([start])
        self._kept: dict[tuple[frozenset[_State], str], frozenset[_State]] = {}

    def matches(self, text: str) -> bool:
        """Return whether the whole of a text matches."""
        states = self._start
        for one in text:
            after = self._kept.get((states, one))
            if after is None:
                passed = [state.next for state in states if state.test is not None and state.test(one)]
                after = _closed([state for found in passed for state in found])
                if len(self._kept) >= MOST_KEPT:
                    self._kept.clear()
                self._kept[states, one] = after
            states = after
            if not states:
                return False
        return self._end in states


def _closed(states: list[_State]) -> frozenset[_State]:
    """Return the states and all that are reached from them without a character."""
    found: set[_State] = set()
    waiting = list(states)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            if one.test is None:
                waiting += one.next
    return frozenset(found)
