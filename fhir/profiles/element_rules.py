"""Rules for each occurrence of an element: type, target, fixed, pattern, limits, length, binding.

https://hl7.org/fhir/R4/elementdefinition.html
"""

import re
from collections.abc import Callable
from typing import Any

from fhir.profiles.bindings import binding
from fhir.profiles.snapshot import Node
from fhir.profiles.values import compare, follows, same
from fhir.profiles.walk import Occurrence, Walk
from fhir.spec.elements import CONCRETE_TYPES

Rule = Callable[[Occurrence, Walk], None]
Follow = Callable[[Occurrence, str, Walk], None]
"""Checks a value by the profile of its type."""

_ANY = {"Resource", "DomainResource", "Element", "BackboneElement", ""}
_LITERAL = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?", re.DOTALL)


def rules_of(node: Node, profile: str, follow: Follow) -> list[Rule]:
    """Return what an element's definition demands of each of its occurrences.

    Args:
        node: The definition.
        profile: The profile's name, for the diagnostics.
        follow: Checks a value by the profile of its type.
    """
    return [*_typed(node, profile, follow), *_valued(node, profile), *_limited(node, profile)]


def _typed(node: Node, profile: str, follow: Follow) -> list[Rule]:
    codes = {kind["code"] for kind in node.types}
    found: list[Rule] = []
    resources = codes <= CONCRETE_TYPES and bool(codes)
    if (node.name.endswith("[x]") or resources) and codes and not codes & _ANY:
        found.append(_one_of(codes, profile))
    for kind in node.types:
        profiles = kind.get("profile", ())
        if profiles:
            found.append(_of_profiles(kind["code"], profiles, profile, follow))
        targets = kind.get("targetProfile", ())
        if targets and kind["code"] == "Reference":
            found.append(_target(targets, profile))
    return found


def _one_of(codes: set[str], profile: str) -> Rule:
    text = f"The profile {profile} allows here only: {', '.join(sorted(codes))}."

    def check(occurrence: Occurrence, walk: Walk) -> None:
        if occurrence.type and occurrence.type not in codes:
            walk.add("error", occurrence.where, "structure", text)

    return check


def _of_profiles(code: str, profiles: list[str], profile: str, follow: Follow) -> Rule:
    text = f"The value follows none of: {', '.join(profiles)} ({profile})."

    def check(occurrence: Occurrence, walk: Walk) -> None:
        if code not in _ANY and occurrence.type not in (code, ""):
            return
        if len(profiles) == 1:
            follow(occurrence, profiles[0], walk)
            return
        for url in profiles:
            with walk.trial() as issues:
                follow(occurrence, url, walk)
            if not any(one.severity in ("error", "fatal") for one in issues):
                return
        walk.add("error", occurrence.where, "value", text)

    return check


def _target(targets: list[str], profile: str) -> Rule:
    """Return the check of the type that a reference leads to; of profiles of a type, its definition tells the type."""

    def check(occurrence: Occurrence, walk: Walk) -> None:
        value = occurrence.value
        if value.__class__ is not dict:
            return
        kind = _leads_to(value, walk)
        if kind is None:
            return
        allowed = {_type_of(url, walk) for url in targets}
        if kind not in allowed and not allowed & {"Resource", None}:
            names = ", ".join(sorted(filter(None, allowed)))
            text = f"The profile {profile} allows a reference here only to: {names}."
            walk.add("error", (occurrence.where, "reference", -1), "value", text)

    return check


def _leads_to(reference: dict[str, Any], walk: Walk) -> str | None:
    target = walk.resolve(reference)
    if target is not None:
        return str(target["resourceType"])
    literal = _LITERAL.fullmatch(str(reference.get("reference", "")))
    if literal and literal[1] in CONCRETE_TYPES:
        return literal[1]
    return None


def _type_of(url: str, walk: Walk) -> str | None:
    key = "type of", url
    if key not in walk.definitions.kept:
        last = url.partition("|")[0].rpartition("/")[2]
        found = walk.definitions.near("StructureDefinition", url)
        kind = found.get("type") if found else last if last in CONCRETE_TYPES or last == "Resource" else None
        walk.definitions.kept[key] = kind
    kept: str | None = walk.definitions.kept[key]
    return kept


def _valued(node: Node, profile: str) -> list[Rule]:
    found: list[Rule] = []
    if node.fixed is not None:
        found.append(_tested(lambda value: same(value, node.fixed), "value", f"The value is fixed by {profile}."))
    if node.pattern is not None:
        text = f"The value does not hold what {profile} demands: its pattern."
        found.append(_tested(lambda value: follows(value, node.pattern), "value", text))
    bound = binding(node.facts.get("binding", {}), profile)
    if bound is not None:
        found.append(bound)
    return found


def _limited(node: Node, profile: str) -> list[Rule]:
    found: list[Rule] = []
    length, least, most = node.facts.get("maxLength"), node.limit("minValue"), node.limit("maxValue")
    if length is not None:
        text = f"The profile {profile} allows {length} characters at most."
        found.append(_tested(lambda value: not isinstance(value, str) or len(value) <= length, "too-long", text))
    if least is not None:
        text = f"The value is below what {profile} allows."
        found.append(_tested(lambda value: compare(value, least) != -1, "value", text))
    if most is not None:
        text = f"The value is above what {profile} allows."
        found.append(_tested(lambda value: compare(value, most) != 1, "value", text))
    return found


def _tested(holds: Callable[[Any], bool], code: str, text: str) -> Rule:
    def check(occurrence: Occurrence, walk: Walk) -> None:
        if occurrence.value is not None and not holds(occurrence.value):
            walk.add("error", occurrence.where, code, text)

    return check
