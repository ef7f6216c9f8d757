"""The codes that a search asks for by what they mean.

https://hl7.org/fhir/R4/search.html#modifiers
"""

from collections.abc import Iterable

from fhir.errors import TooCostly, UnknownTerminology
from fhir.search.hashing import hash64
from fhir.search.values import CodesValue, Numbers
from fhir.terminology.code_system import ABSTRACT, CodeSystem
from fhir.terminology.members import Members, Unlisted, distinct

MOST_CODES = 10_000
"""The most codes that one value of a search may stand for."""

Codes = tuple[tuple[str, str], ...]
"""System and code of each."""


def _bounded(found: Iterable[tuple[str, str]], name: str) -> Codes:
    codes: list[tuple[str, str]] = []
    for one in found:
        if len(codes) == MOST_CODES:
            raise TooCostly(f"More than {MOST_CODES} codes would be searched for", name)
        codes.append(one)
    return tuple(codes)


def codes_in(members: Members, name: str, *, whole: bool) -> Codes:
    """Return the codes of a value set that are for use.

    Args:
        members: What is in it.
        name: What an error is about.
        whole: Whether all must be known, since others are looked for.

    Raises:
        UnknownTerminology: they cannot be listed, or not all of them.
        TooCostly: there are too many.
    """
    if members.unlisted:
        raise UnknownTerminology(members.unlisted, name)
    if whole and members.is_open:
        raise UnknownTerminology("The value set has codes that are not known here", name)
    try:
        return _bounded(((one.part.table.url, one.code) for one in distinct(members) if not one.flags & ABSTRACT), name)
    except Unlisted as error:
        raise UnknownTerminology(str(error), name) from error


def codes_around(system: CodeSystem, code: str, modifier: str, name: str) -> Codes:
    """Return a code with all that are below it, or above it.

    Args:
        system: Its code system.
        code: The code.
        modifier: `above` or `below`.
        name: What an error is about.

    Raises:
        UnknownTerminology: the system has no such code, or its hierarchy is not of meaning.
        TooCostly: there are too many.
    """
    number = system.find(code)
    if number is None:
        raise UnknownTerminology(f"{system.url} has no code {code!r} as it is known here", name)
    if not system.is_tree:
        raise UnknownTerminology(f"The hierarchy of {system.url} is not one of meaning", name)
    others = system.ancestors(number) if modifier == "above" else system.descendants(number)
    return _bounded(((system.url, system.codes[one]) for one in sorted({number, *others})), name)


def values(codes: Codes, *, without_system: bool, with_system: bool) -> tuple[CodesValue, ...]:
    """Return codes as a search compares with them, those of a system together.

    Args:
        codes: The codes.
        without_system: Whether elements that have codes alone are looked at: they say no system.
        with_system: Whether elements that tell the system are.
    """
    found: dict[str, list[int]] = {}
    for system, code in codes:
        found.setdefault(system, []).append(hash64(code))
    made = []
    if with_system:
        made += [
            CodesValue(hash64(system) if system else 0, Numbers(sorted(set(one)))) for system, one in found.items()
        ]
    if without_system:
        every = {one for hashes in found.values() for one in hashes}
        made.append(CodesValue(0, Numbers(sorted(every))))
    return tuple(made)
