"""A value set becomes its members: what its `compose` includes and excludes, or what its `expansion` lists.

https://hl7.org/fhir/R4/valueset.html#compositions
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from fhir.profiles.compiling import about_to_compile
from fhir.profiles.definitions import MALFORMED
from fhir.terminology.code_system import CodeSystem
from fhir.terminology.filters import UnknownFilter, filtered
from fhir.terminology.members import Common, Members, Part, Together, Unknown
from fhir.terminology.sources import Terminology, parsed

MOST_NESTED = 16
"""How deep value sets may include each other."""

MOST_PARTS = 2_000
"""The most parts of a value set, those of the ones it includes counted each time."""

MOST_STEPS = 5_000_000
"""How many concepts are looked at to apply the filters of a value set, and of those that it includes."""

_OF_A_VALUE_SET = 1_000
"""As many steps as it takes to read one."""


class _Way:
    """How a value set was come to: what includes it, and what is left to be spent."""

    def __init__(self, urls: tuple[str, ...] = (), left: list[int] | None = None) -> None:
        self.urls = urls
        self._left = [MOST_STEPS] if left is None else left

    def into(self, url: str) -> "_Way":
        """Return the way on, into the value set of a URL."""
        return _Way((*self.urls, url), self._left)

    def spend(self, steps: int) -> bool:
        """Return whether so many steps may be done."""
        self._left[0] -= steps
        return self._left[0] >= 0


_COSTLY = "The value set takes too long to put together: it has too many parts, or filters of large code systems"


def value_set(terminology: Terminology, canonical: str) -> Members:
    """Return the members of a value set that is known by its URL; in another version where that one is not known."""
    return _known(terminology, canonical, _Way())


def compiled(terminology: Terminology, resource: Mapping[str, Any]) -> Members:
    """Return the members of a ValueSet resource."""
    return _compiled(terminology, resource, _Way())


def _known(terminology: Terminology, canonical: str, way: _Way) -> Members:
    found = terminology.near("ValueSet", canonical)
    if found is None:
        implied = terminology.implied(canonical)
        if implied is not None:
            return _compiled(terminology, implied, way)
        return Unknown(f"The value set {canonical} is not known here")
    key = found[1].url, found[1].version
    kept: Members | None = terminology.kept.get(key)
    if kept is not None:
        return kept
    if canonical.partition("|")[0] in way.urls:
        return Unknown(f"The value set {canonical} includes itself")
    if len(way.urls) >= MOST_NESTED:
        return Unknown(f"Value sets include each other more than {MOST_NESTED} deep at {canonical}")
    about_to_compile()
    made = _compiled(terminology, parsed(found[1]), way)
    # What could not be told inside of a circle may be told elsewhere.
    if not way.urls or not made.unlisted:
        terminology.kept[key] = made
    return made


def _compiled(terminology: Terminology, resource: Mapping[str, Any], way: _Way) -> Members:
    if not way.spend(_OF_A_VALUE_SET):
        return Unknown(_COSTLY)
    try:
        made = _composed_or_expanded(terminology, resource, way.into(str(resource.get("url", ""))))
    except MALFORMED:
        return Unknown(f"The value set {resource.get('url', '')} cannot be read")
    return made if made.weight <= MOST_PARTS else Unknown(_COSTLY)


def _composed_or_expanded(terminology: Terminology, resource: Mapping[str, Any], way: _Way) -> Members:
    composed = _composed(terminology, resource.get("compose", {}), way)
    if not composed.unlisted and not composed.is_open:
        return composed
    expansion = resource.get("expansion", {})
    contains = list(_contained(expansion.get("contains", ())))
    # A part of an expansion is none: it says how much there is of it.
    if contains and expansion.get("total", 0) <= len(contains):
        return _expanded(contains)
    return composed


def _contained(contains: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in contains:
        if "code" in one:
            yield one
        yield from _contained(one.get("contains", ()))


def _expanded(contains: Sequence[Mapping[str, Any]]) -> Members:
    """Return what an expansion lists, in its order: a part for each run of codes of one system."""
    parts = []
    for (system, version), run in groupby(contains, lambda one: (one.get("system", ""), one.get("version", ""))):
        concepts = [_concept(one, one.get("abstract"), one.get("inactive")) for one in run]
        parts.append(Part(_table(system, version, concepts)))
    return Together(parts)


def _concept(named: Mapping[str, Any], abstract: object, inactive: object) -> dict[str, Any]:
    properties = [{"code": "notSelectable", "valueBoolean": True}] if abstract else []
    properties += [{"code": "inactive", "valueBoolean": True}] if inactive else []
    concept = {name: named[name] for name in ("code", "display", "designation") if name in named}
    return {**concept, "property": properties} if properties else concept


def _table(system: str, version: str, concepts: list[dict[str, Any]], **fields: Any) -> CodeSystem:
    return CodeSystem({"url": system, "version": version, "content": "complete", "concept": concepts, **fields})


def _composed(terminology: Terminology, compose: Mapping[str, Any], way: _Way) -> Members:
    if not compose.get("include"):
        return Unknown("The value set includes nothing")
    active_only = compose.get("inactive") is False
    included = [_part(terminology, one, way, active_only=active_only) for one in compose["include"]]
    excluded = [_part(terminology, one, way, active_only=False) for one in compose.get("exclude", ())]
    if len(included) == 1 and not excluded:
        return included[0]
    return Together(included, excluded)


def _part(terminology: Terminology, include: Mapping[str, Any], way: _Way, *, active_only: bool) -> Members:
    found: list[Members] = []
    if "system" in include:
        found.append(_of_system(terminology, include, way, active_only=active_only))
    found += [_known(terminology, url, way) for url in include.get("valueSet", ())]
    if not found:
        return Unknown("A part of the value set names neither a system nor a value set")
    return found[0] if len(found) == 1 else Common(found)


def _of_system(terminology: Terminology, include: Mapping[str, Any], way: _Way, *, active_only: bool) -> Members:
    system = include["system"]
    known = terminology.code_system(system, include.get("version", ""))
    if "concept" in include:
        return Part(_named(include, known), active_only=active_only)
    if known is None:
        return Unknown(f"The code system {system} is not known here", system)
    if known.content not in ("complete", "fragment", "example") or not len(known):
        return Unknown(f"The codes of {system} are not here", system)
    is_open = known.content != "complete"
    if "filter" not in include:
        return Part(known, is_open=is_open, active_only=active_only)
    if not way.spend(len(known) * len(include["filter"])):
        return Unknown(_COSTLY, system)
    try:
        numbers = filtered(known, include["filter"])
    except UnknownFilter as error:
        return Unknown(f"A filter of {system} cannot be applied: {error}", system)
    return Part(known, numbers, is_open=is_open, active_only=active_only)


def _named(include: Mapping[str, Any], known: CodeSystem | None) -> CodeSystem:
    """Return the concepts that a value set names, with what the code system says of them where it is known."""
    concepts = []
    for named in include["concept"]:
        number = None if known is None else known.find(named["code"])
        if known is None or number is None:
            concepts.append(_concept(named, abstract=False, inactive=False))
            continue
        rest = known.rest(number)
        designations = [*rest.get("designation", ()), *named.get("designation", ())]
        concept = {"code": named["code"], "display": named.get("display") or known.displays[number]}
        concepts.append(
            {
                **{name: one for name, one in concept.items() if one},
                **({"designation": designations} if designations else {}),
                **({"property": rest["property"]} if "property" in rest else {}),
            }
        )
    version = known.version if known is not None else include.get("version", "")
    fields = {"property": known.declared, "language": known.language} if known is not None else {}
    return _table(include["system"], version, concepts, **fields)
