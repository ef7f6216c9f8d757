"""`$expand`: the codes of a value set, page by page.

https://hl7.org/fhir/R4/valueset-operation-expand.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from fhir.errors import TooCostly, UnknownTerminology
from fhir.terminology.code_system import ABSTRACT, INACTIVE
from fhir.terminology.display import designations, display
from fhir.terminology.members import Member, Members, Unlisted, distinct

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


def _kept(members: Members, wanted: Wanted) -> Iterator[Member]:
    skipped = (INACTIVE if wanted.active_only else 0) | (ABSTRACT if wanted.selectable_only else 0)
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
    identifier: str,
    timestamp: str,
    echoed: list[dict[str, Any]],
) -> dict[str, Any]:
    """Return a ValueSet with its expansion.

    Args:
        value_set: The resource, for its header and its definition.
        members: What is in it.
        wanted: What of it is wanted.
        identifier: That of the expansion.
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
        found = _kept(members, wanted)
        before = sum(1 for _ in islice(found, wanted.offset))
        page = [_contained(one, wanted) for one in islice(found, most)]
        total = before + len(page) + sum(1 for _ in found)
    except Unlisted as error:
        raise UnknownTerminology(str(error)) from error
    if wanted.count is None and total - wanted.offset > most:
        raise TooCostly(f"There are {total} codes; ask for pages (count, offset) of at most {MOST_LISTED}, or filter")
    expansion: dict[str, Any] = {
        **({"extension": [{"url": UNCLOSED, "valueBoolean": True}]} if members.is_open else {}),
        "identifier": identifier,
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
    return {"resourceType": "ValueSet", "status": "active", **header, **definition, "expansion": expansion}
