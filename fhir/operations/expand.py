"""`$expand`: the codes of a value set, page by page.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fhir.errors import TooCostly, UnknownTerminology
from fhir.terminology.code_system import ABSTRACT, INACTIVE
from fhir.terminology.display import designations, display
from fhir.terminology.members import Member, Members, Part, Unlisted, distinct

MOST_LISTED = 10_000
"""The most codes of one answer."""

UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
"""An expansion that does not hold all there is, because a code system is known in part."""

_HEADER = ("url", "version", "name", "title", "status", "experimental", "publisher", "language")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the codes is wanted, and how.

    Attributes:
        text: What their texts must hold.
        offset: How many come before the page.
        count: How many the page has; None for all.
        active_only: Whether inactive codes are left out.
        selectable_only: Whether codes are left out that are not for use themselves.
        with_designations: Whether each has its designations.
        designations: Which ones; empty for all.
        languages: Those of the displays, the best first.
        without_systems: Systems whose codes are left out.
        with_definition: Whether the value set's definition is in the answer.
    """

    text: str = ""
    offset: int = 0
    count: int | None = None
    active_only: bool = False
    selectable_only: bool = False
    with_designations: bool = False
    designations: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    without_systems: frozenset[str] = frozenset()
    with_definition: bool = False


def _page(members: Members, wanted: Wanted, most: int) -> tuple[int, list[Member]]:
    """Return how many codes there are, and those of the page."""
    skipped = (INACTIVE if wanted.active_only else 0) | (ABSTRACT if wanted.selectable_only else 0)
    if isinstance(members, Part) and members.table.url not in wanted.without_systems:
        # By far the most value sets; those of ten thousands of codes are among them.
        numbers = members.numbers(wanted.text, skipped)
        page = numbers[wanted.offset : wanted.offset + most]
        return len(numbers), [Member(members, number) for number in page]
    found = _kept(members, wanted, skipped)
    before = sum(1 for _ in islice(found, wanted.offset))
    listed = list(islice(found, most))
    return before + len(listed) + sum(1 for _ in found), listed


def _kept(members: Members, wanted: Wanted, skipped: int) -> Iterator[Member]:
    found = distinct(members, wanted.text)
    if not skipped and not wanted.without_systems:
        return found
    return (one for one in found if not one.flags & skipped and one.part.table.url not in wanted.without_systems)


def _contained(member: Member, wanted: Wanted) -> dict[str, Any]:
    table, flags = member.part.table, member.flags
    found: dict[str, Any] = {"system": table.url} if table.url else {}
    if flags & ABSTRACT:
        found["abstract"] = True
    if flags & INACTIVE:
        found["inactive"] = True
    if table.version:
        found["version"] = table.version
    found["code"] = member.code
    if name := display(table, member.number, wanted.languages):
        found["display"] = name
    if wanted.with_designations and (others := designations(table, member.number, wanted.designations)):
        found["designation"] = others
    return found


def _versions(members: Members) -> list[dict[str, str]]:
    used = dict.fromkeys(f"{one.table.url}|{one.table.version}" for one in members.parts() if one.table.version)
    return [{"name": "version", "valueUri": one} for one in used]


def expand(
    value_set: Mapping[str, Any],
    members: Members,
    wanted: Wanted,
    *,
    timestamp: str,
    echoed: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return a ValueSet with its expansion.

    Args:
        value_set: The resource, for its header and its definition.
        members: What is in it.
        wanted: What of it is wanted.
        timestamp: A FHIR instant: now.
        echoed: `expansion.parameter` of what was asked.

    Raises:
        UnknownTerminology: it cannot be listed.
        TooCostly: more codes are wanted than an answer has.
    """
    if members.unlisted:
        raise UnknownTerminology(members.unlisted)
    most = MOST_LISTED if wanted.count is None else min(wanted.count, MOST_LISTED)
    try:
        total, listed = _page(members, wanted, most)
    except Unlisted as error:
        raise UnknownTerminology(str(error)) from error
    if wanted.count is None and total - wanted.offset > most:
        raise TooCostly(f"There are {total} codes; ask for pages (count, offset) of at most {MOST_LISTED}, or filter")
    page = [_contained(one, wanted) for one in listed]
    expansion: dict[str, Any] = {
        **({"extension": [{"url": UNCLOSED, "valueBoolean": True}]} if members.is_open else {}),
        "timestamp": timestamp,
        "total": total,
        "offset": wanted.offset,
    }
    if parameters := [*echoed, *_versions(members)]:
        expansion["parameter"] = parameters
    if page:
        expansion["contains"] = page
    header = {name: value_set[name] for name in _HEADER if name in value_set}
    definition = {"compose": value_set["compose"]} if wanted.with_definition and "compose" in value_set else {}
    expansion = {"identifier": _identifier(header, expansion), **expansion}
    return {"resourceType": "ValueSet", "status": "active", **header, **definition, "expansion": expansion}


def _identifier(header: Mapping[str, Any], expansion: Mapping[str, Any]) -> str:
    """Return the identifier of an expansion: the same question and the same answer have the same."""
    told = {name: value for name, value in expansion.items() if name != "timestamp"}
    return uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([header, told], sort_keys=True)).urn
