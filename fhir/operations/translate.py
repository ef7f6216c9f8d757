"""`$translate`: what a code is in another code system, by concept maps.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir.terminology.concept_map import NO_MATCH, ConceptMap, Group, Match

MOST_MATCHES = 1_000
"""The most matches of an answer."""

DEEPEST = 4
"""How many maps are followed, one naming the next for what it does not map."""

Find = Callable[[str], ConceptMap | None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be translated.

    Attributes:
        codes: System (empty for any) and code of each.
        target: The system of what is wanted, empty for any.
        back: Whether the maps are read from their other end.
        dependencies: `element` and `concept` of what is known beside the codes.
    """

    codes: Sequence[tuple[str, str]]
    target: str = ""
    back: bool = False
    dependencies: Sequence[Mapping[str, Any]] = ()


def _holds(match: Match, dependencies: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether all that a match depends on is known beside the code."""
    return all(any(_is(needed, given) for given in dependencies) for needed in match.depends_on)


def _is(needed: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    concept = given.get("concept", {})
    codings = concept.get("coding", [concept])
    return given.get("element") == needed.get("property") and any(
        one.get("code") == needed.get("value") and needed.get("system") in (None, one.get("system")) for one in codings
    )


def _without_element(group: Group, code: str) -> Match | None:
    """Return what becomes of a code that no element of a group names."""
    mode = group.unmapped.get("mode")
    if mode == "provided":
        return Match("relatedto", group.target, group.target_version, code, "", (), ())
    if mode == "fixed":
        unmapped = group.unmapped
        return Match(
            "relatedto",
            group.target,
            group.target_version,
            unmapped.get("code", ""),
            unmapped.get("display", ""),
            (),
            (),
        )
    return None


def _of_map(one: ConceptMap, wanted: Wanted, find: Find, depth: int) -> Iterator[tuple[Match, ConceptMap]]:
    for system, code in wanted.codes:
        found = (one.translate_back if wanted.back else one.translate)(system, code, wanted.target)
        named = False
        for match in found:
            named = True
            if _holds(match, wanted.dependencies):
                yield match, one
        if named or wanted.back:
            continue
        for group in one.unmapped(system, wanted.target):
            other = find(group.unmapped.get("url", "")) if group.unmapped.get("mode") == "other-map" else None
            if other is not None and depth < DEEPEST:
                alone = Wanted([(system, code)], wanted.target, False, wanted.dependencies)
                yield from _of_map(other, alone, find, depth + 1)
            elif (match_ := _without_element(group, code)) is not None:
                yield match_, one


def _coding(match: Match) -> dict[str, str]:
    names = ("system", "version", "code", "display")
    return {name: value for name in names if (value := getattr(match, name))}


def _product(one: Mapping[str, Any]) -> dict[str, Any]:
    coding = {
        name: one[other]
        for name, other in (("system", "system"), ("code", "value"), ("display", "display"))
        if other in one
    }
    parts = [{"name": "element", "valueUri": one.get("property", "")}, {"name": "concept", "valueCoding": coding}]
    return {"name": "product", "part": parts}


def _told(match: Match, by: ConceptMap) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "equivalence", "valueCode": match.equivalence}]
    if match.code:
        parts.append({"name": "concept", "valueCoding": _coding(match)})
    parts += [_product(one) for one in match.product]
    if by.url:
        parts.append({"name": "source", "valueUri": f"{by.url}|{by.version}" if by.version else by.url})
    return {"name": "match", "part": parts}


def translate(maps: Iterable[ConceptMap], wanted: Wanted, find: Find) -> dict[str, Any]:
    """Return Parameters of what codes are translated to.

    Args:
        maps: The maps to be read.
        wanted: What is to be translated.
        find: Finds the map that another one names, by its canonical URL.
    """
    found: list[dict[str, Any]] = []
    result = False
    for one in maps:
        for match, by in _of_map(one, wanted, find, 1):
            told = _told(match, by)
            if told not in found and len(found) < MOST_MATCHES:
                found.append(told)
                result |= match.equivalence not in NO_MATCH and bool(match.code)
    answer: list[dict[str, Any]] = [{"name": "result", "valueBoolean": result}]
    if not result:
        answer.append({"name": "message", "valueString": "No map that is known here translates this"})
    return {"resourceType": "Parameters", "parameter": [*answer, *found]}
