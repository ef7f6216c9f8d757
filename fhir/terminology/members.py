"""What is in a value set: parts of code systems, put together, left out of each other, and common to several.

Nothing is written out: a part is a code system and which of its concepts are meant. So a code is looked up in
microseconds, and the first page of 30,000 codes is as quick as that of 30. Three answers are possible to whether a code
is in: yes, no, and that it cannot be told, because what decides it is not known here.

https://hl7.org/fhir/R4/valueset.html#compose
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Literal, NamedTuple, Protocol

from fhir.errors import TooCostly
from fhir.terminology.code_system import ABSTRACT, INACTIVE, CodeSystem

MOST_STEPS = 2_000_000
"""How many codes are looked at to list a value set, each time one is compared with a part that is left out counted."""


class Unlisted(Exception):
    """A value set cannot be listed; the text says why."""


class Member(NamedTuple):
    """A code that is in a value set."""

    part: "Part"
    number: int

    @property
    def code(self) -> str:
        """Its code."""
        return self.part.table.codes[self.number]

    @property
    def flags(self) -> int:
        """`ABSTRACT` and `INACTIVE`."""
        return self.part.table.flags[self.number]


Found = Member | Literal[False] | None
"""A member; False for a code that is not in; None where that cannot be told."""


class Members(Protocol):
    """What is in a value set, or in a part of one.

    Attributes:
        unlisted: Why it cannot be listed; empty when it can.
        is_open: Whether there are members that are not listed: of a code system of which a fragment is known.
        is_vague: Whether nothing at all is known of it.
        weight: How many parts are asked where a code is.
    """

    unlisted: str
    is_open: bool
    is_vague: bool
    weight: int

    def locate(self, system: str | None, code: str, *, abstract: bool = False) -> Found:
        """Return where a code is.

        Args:
            system: Its system, None for any.
            code: The code.
            abstract: Whether a code that is not for use itself counts.
        """
        ...

    def listed(self, text: str = "") -> Iterator[Member]:
        """Yield the members, those whose texts hold every word of `text`; some perhaps twice.

        Raises:
            Unlisted: they cannot be listed.
            TooCostly: to list them takes too long.
        """
        ...

    def parts(self) -> Iterator["Part"]:
        """Yield the parts that it is made of."""
        ...


def contains(members: Members, system: str | None, code: str, *, abstract: bool = False) -> bool | None:
    """Return whether a code is in; None when that cannot be told."""
    found = members.locate(system, code, abstract=abstract)
    return found if found is None or found is False else True


class Part:
    """Concepts of one code system.

    Args:
        table: The concepts; of a list of codes, these codes as they are named there.
        numbers: Which of them, in ascending order; None for all.
        is_open: Whether there may be others.
        active_only: Whether inactive concepts are left out.
    """

    unlisted = ""
    is_vague = False
    weight = 1

    def __init__(
        self,
        table: CodeSystem,
        numbers: Sequence[int] | None = None,
        *,
        is_open: bool = False,
        active_only: bool = False,
    ) -> None:
        self.table = table
        self.is_open = is_open
        self._numbers = numbers
        self._active_only = active_only

    def _has(self, number: int) -> bool:
        if self._active_only and self.table.flags[number] & INACTIVE:
            return False
        if self._numbers is None:
            return True
        place = bisect_left(self._numbers, number)
        return place < len(self._numbers) and self._numbers[place] == number

    def locate(self, system: str | None, code: str, *, abstract: bool = False) -> Found:
        """Return where a code is."""
        # An expansion that names no systems holds codes of any.
        if self.table.url and system is not None and system != self.table.url:
            return False
        number = self.table.find(code)
        if number is None or not self._has(number):
            return None if self.is_open else False
        if self.table.flags[number] & ABSTRACT and not abstract:
            return False
        return Member(self, number)

    def listed(self, text: str = "") -> Iterator[Member]:
        """Yield the members."""
        return (Member(self, number) for number in self.numbers(text))

    def numbers(self, text: str = "", without: int = 0) -> Sequence[int]:
        """Return the numbers of the members whose texts hold every word of `text`, without those of a flag."""
        without |= INACTIVE if self._active_only else 0
        flags = self.table.flags
        if text.strip():
            return [one for one in self.table.search(text) if self._has(one) and not flags[one] & without]
        every = range(len(self.table)) if self._numbers is None else self._numbers
        return [one for one in every if not flags[one] & without] if without else every

    def parts(self) -> Iterator["Part"]:
        """Yield itself."""
        yield self


class Unknown:
    """Codes of which nothing is known: of one system, or of any.

    Args:
        reason: Why.
        system: The system, None for any.
    """

    is_open = True
    weight = 1

    def __init__(self, reason: str, system: str | None = None) -> None:
        self.unlisted = reason
        self.is_vague = system is None
        self._system = system

    def locate(self, system: str | None, code: str, *, abstract: bool = False) -> Found:  # noqa: ARG002 - as others
        """Return that it cannot be told, of codes of the system."""
        return None if self._system is None or system is None or system == self._system else False

    def listed(self, text: str = "") -> Iterator[Member]:  # noqa: ARG002 - as others
        """Say why there is no list."""
        raise Unlisted(self.unlisted)

    def parts(self) -> Iterator[Part]:
        """Yield nothing."""
        yield from ()


class Common:
    """What is in all of several."""

    def __init__(self, members: Sequence[Members]) -> None:
        self._members = members
        self.unlisted = next((one.unlisted for one in members if one.unlisted), "")
        self.is_open = any(one.is_open for one in members)
        self.is_vague = all(one.is_vague for one in members)
        self.weight = 1 + sum(one.weight for one in members)

    def locate(self, system: str | None, code: str, *, abstract: bool = False) -> Found:
        """Return where a code is in the last of them."""
        answers = [one.locate(system, code, abstract=abstract) for one in self._members]
        if any(one is False for one in answers):
            return False
        return None if any(one is None for one in answers) else answers[-1]

    def listed(self, text: str = "") -> Iterator[Member]:
        """Yield the members of the first that are in the others."""
        if self.unlisted:
            raise Unlisted(self.unlisted)
        first, *others = self._members
        cost = sum(one.weight for one in others)
        for member in _counted(first.listed(text), cost):
            system, code = member.part.table.url, member.code
            if all(isinstance(one.locate(system, code, abstract=True), Member) for one in others):
                yield member

    def parts(self) -> Iterator[Part]:
        """Yield the parts of all."""
        for one in self._members:
            yield from one.parts()


class Together:
    """What is in any of several, without what is in any of others."""

    def __init__(self, included: Sequence[Members], excluded: Sequence[Members] = ()) -> None:
        self._included = included
        self._excluded = excluded
        self.unlisted = next((one.unlisted for one in (*included, *excluded) if one.unlisted), "")
        self.is_open = any(one.is_open for one in (*included, *excluded))
        self.is_vague = all(one.is_vague for one in included)
        self.weight = 1 + sum(one.weight for one in (*included, *excluded))

    def locate(self, system: str | None, code: str, *, abstract: bool = False) -> Found:
        """Return where a code is."""
        found: Found = False
        for one in self._included:
            answer = one.locate(system, code, abstract=abstract)
            if isinstance(answer, Member):
                found = answer
                break
            found = None if answer is None else found
        if found is False:
            return False
        left_out = [one.locate(system, code, abstract=True) for one in self._excluded]
        if any(isinstance(one, Member) for one in left_out):
            return False
        return None if any(one is None for one in left_out) else found

    def listed(self, text: str = "") -> Iterator[Member]:
        """Yield the members of each that is not left out."""
        if self.unlisted:
            raise Unlisted(self.unlisted)
        cost = sum(one.weight for one in self._excluded)
        for member in _counted(chain.from_iterable(one.listed(text) for one in self._included), cost):
            system, code = member.part.table.url, member.code
            if not any(isinstance(one.locate(system, code, abstract=True), Member) for one in self._excluded):
                yield member

    def parts(self) -> Iterator[Part]:
        """Yield the parts of all."""
        for one in (*self._included, *self._excluded):
            yield from one.parts()


def _counted(found: Iterator[Member], cost: int) -> Iterator[Member]:
    """Yield what is found, each compared with so many parts; refuse to go on without end."""
    for number, member in enumerate(found):
        if number * (1 + cost) > MOST_STEPS:
            raise TooCostly("To list this value set takes too long")
        yield member


def distinct(members: Members, text: str = "") -> Iterator[Member]:
    """Yield the members, each code of a system once.

    Raises:
        Unlisted: they cannot be listed.
    """
    if len(list(members.parts())) == 1:
        yield from members.listed(text)
        return
    seen: set[tuple[str, str]] = set()
    for member in members.listed(text):
        key = member.part.table.url, member.code
        if key not in seen:
            seen.add(key)
            yield member
