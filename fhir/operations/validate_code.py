"""`$validate-code`: whether codes are in a value set, or in a code system.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fhir.errors import UnknownTerminology
from fhir.terminology.display import display, is_called
from fhir.terminology.members import Member, Members


class Coded(NamedTuple):
    """A code as it stands in a Coding; what is empty was not told."""

    system: str | None
    """None where any system will do; empty where the Coding has none."""
    code: str
    version: str = ""
    display: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of codes.

    Attributes:
        result: Whether one of them is in.
        message: Why not.
        display: What the code is called.
        code: The code that was found, and the system and version it was found in; empty where none was.
    """

    result: bool
    message: str = ""
    display: str = ""
    code: str = ""
    system: str = ""
    version: str = ""


def _judged(members: Members, one: Coded, title: str, languages: Sequence[str], *, abstract: bool) -> Verdict | None:
    """Return what is said of a code; None where it cannot be told."""
    found = members.locate(one.system, one.code, abstract=abstract)
    if found is None:
        return None
    named = f"{one.system}|{one.code}" if one.system else one.code
    if not isinstance(found, Member):
        if not abstract and isinstance(members.locate(one.system, one.code, abstract=True), Member):
            return Verdict(False, f"The code {named} of {title} is abstract: not for use itself")
        return Verdict(False, f"The code {named} is not in {title}")
    table = found.part.table
    called = display(table, found.number, languages)
    place = table.codes[found.number], table.url, table.version
    if one.version and table.version and one.version != table.version:
        return Verdict(False, f"{title} has version {table.version} of {table.url}, not {one.version}", called, *place)
    if one.display and table.displays[found.number] and not is_called(table, found.number, one.display):
        return Verdict(False, f"The code {named} is not called {one.display!r} but {called!r}", called, *place)
    return Verdict(True, "", called, *place)


def validate_code(
    members: Members, codes: Sequence[Coded], title: str, *, languages: Sequence[str] = (), abstract: bool = False
) -> Verdict:
    """Return whether one of the codes is in, and is called as it says.

    Args:
        members: What they are to be in.
        codes: At least one.
        title: How it is called, for the message.
        languages: Those of the displays, the best first.
        abstract: Whether codes count that are not for use themselves.

    Raises:
        UnknownTerminology: it cannot be told, and `$validate` says nothing of it either.
    """
    verdicts = [_judged(members, one, title, languages, abstract=abstract) for one in codes]
    for one in verdicts:
        if one is not None and one.result:
            return one
    if any(one is None for one in verdicts):
        reason = members.unlisted or "A part of its code system is not known here"
        raise UnknownTerminology(f"Whether the code is in {title} cannot be told. {reason}")
    return next(one for one in verdicts if one is not None)
