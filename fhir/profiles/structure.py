"""Structure: does a resource follow base R4?

Each type compiles, on first use, to a closure over its rules: names, JSON types, cardinalities, primitive
formats, required codes, choices, reference targets, contained resources, invariants. A check is one walk.

https://hl7.org/fhir/R4/validation.html and https://hl7.org/fhir/R4/json.html
"""

from contextlib import suppress
from functools import cache
from typing import Any

from fhir.issue import Issue
from fhir.profiles.findings import Enough, Findings, Where
from fhir.profiles.members import ELE_1, Check
from fhir.profiles.primitives import json_name
from fhir.profiles.references import check_local, check_reference
from fhir.profiles.rules import Rule, Rules, rules
from fhir.recurring import TYPES, Recurring, written
from fhir.spec.elements import CONCRETE_TYPES, Element

DEPTH = 64
"""JSON levels, arrays counted, that a resource may nest."""


def check(resource: Any, *, entries: bool = False, depth: int = DEPTH) -> list[Issue]:
    """Return what is wrong with a resource by base R4: nothing, or up to 100 errors.

    Not looked at: profiles, terminology beyond required `code` bindings, whether what is referred to exists.

    Args:
        resource: The parsed JSON body, any value; numbers as `int`, `float` or `Decimal`.
        entries: Whether the resources in a Bundle's entries are checked too. Otherwise they must only be
            objects with a `resourceType`, so that one bad entry of a batch fails alone.
        depth: JSON levels, arrays counted, that may be nested. Deeper content ends the check with a
            `too-costly` issue at its path.
    """
    findings = Findings(depth=depth, entries=entries)
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    with suppress(Enough):
        _resource(resource, (None, name if isinstance(name, str) else "Resource", -1), 1, findings)
    return findings.issues


def _resource(value: Any, where: Where, depth: int, findings: Findings) -> None:
    """Check a resource that stands for itself: its local references stay inside it."""
    type_name = _type(value, where, findings)
    if type_name is None:
        return
    around = findings.contained, findings.local
    findings.contained, findings.local = {}, []
    _object(type_name)(value, where, depth, findings)
    if findings.contained or findings.local:
        check_local(value, where, findings)
    findings.contained, findings.local = around


def _type(value: Any, where: Where, findings: Findings) -> str | None:
    """Return a resource's type if it is one that can be checked; otherwise add what is wrong."""
    if not isinstance(value, dict):
        findings.add(where, "structure", f"Expected an object, found {json_name(value)}.")
        return None
    name = value.get("resourceType")
    if isinstance(name, str) and name in CONCRETE_TYPES:
        return name
    said = "is not a resource type of FHIR R4" if isinstance(name, str) else "must be there, as a string"
    findings.add((where, "resourceType", -1), "structure", f"The resourceType {said}.")
    return None


def _entry(value: Any, where: Where, depth: int, findings: Findings) -> None:
    """Check the resource of a Bundle entry, as far as it is asked for."""
    if findings.entries:
        _resource(value, where, depth, findings)
    elif not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        findings.add(where, "structure", "An entry's resource must be an object with a resourceType.")


def _contained(value: Any, where: Where, depth: int, findings: Findings) -> None:
    """Check a contained resource: by its own type, and by dom-2, dom-4 and dom-5.

    https://hl7.org/fhir/R4/references.html#contained
    """
    type_name = _type(value, where, findings)
    if type_name is None:
        return
    fragment, meta = value.get("id"), value.get("meta")
    if fragment is None:
        findings.add((where, "id", -1), "required", "A contained resource must have an id.")
    elif isinstance(fragment, str):
        if fragment in findings.contained:
            findings.add((where, "id", -1), "value", "Another contained resource has the same id.")
        findings.contained[fragment] = type_name
    meta = meta if isinstance(meta, dict) else {}
    for holder, place, name, text in (
        (value, where, "contained", _DOM_2),
        (meta, (where, "meta", -1), "versionId", _DOM_4),
        (meta, (where, "meta", -1), "lastUpdated", _DOM_4),
        (meta, (where, "meta", -1), "security", _DOM_5),
    ):
        if name in holder:
            findings.add((place, name, -1), "invariant", text)
    _object(type_name)(value, where, depth, findings)


_DOM_2 = "dom-2: If the resource is contained in another resource, it SHALL NOT contain nested Resources"
_DOM_4 = (
    "dom-4: If a resource is contained in another resource, it SHALL NOT have a meta.versionId or a meta.lastUpdated"
)
_DOM_5 = "dom-5: If a resource is contained in another resource, it SHALL NOT have a security label"

_RESOURCES: dict[tuple[str, str], Check] = {
    ("Bundle.entry", "resource"): _entry,
    ("Bundle.entry.response", "outcome"): _resource,
    ("Parameters.parameter", "resource"): _resource,
}
"""Where a resource stands inside another; everywhere else it is `contained`."""

_HOLDERS = frozenset(path.partition(".")[0] for path, _ in _RESOURCES)


def _compile(path: str, element: Element, code: str) -> Check:
    """Return the checker of an element that is an object."""
    if element.content_reference:
        return _object(element.content_reference)
    if code in ("BackboneElement", "Element"):
        check_inner = _object(f"{path}.{element.name}")
        # Those of a Bundle hold resources; whether they are looked at is each caller's to say.
        return check_inner if path.partition(".")[0] in _HOLDERS else _once(check_inner)
    if code == "Resource":
        return _RESOURCES.get((path, element.name), _contained)
    if code == "Reference":
        return _once(_reference(frozenset(element.targets) or CONCRETE_TYPES))
    if code == "Quantity" and element.simple:
        return _once(_simple_quantity)
    return _once(_object(code)) if code in TYPES else _object(code)


_FAULTLESS: Recurring[None] = Recurring()


@cache
def _once(check: Check) -> Check:
    """Return the same check, which looks only once at elements that recur and have no fault."""
    number = _FAULTLESS.number()

    def check_once(value: Any, where: Where, depth: int, findings: Findings) -> None:
        json = written(value)
        if json is None:
            check(value, where, depth, findings)
            return
        # How deep it may still nest depends on where it stands.
        key = (number, findings.depth - depth, json)
        if key in _FAULTLESS.known:
            return
        before = len(findings.issues)
        check(value, where, depth, findings)
        # Whether a local reference leads somewhere depends on the resource around it.
        if len(findings.issues) == before and b'"#' not in json:
            _FAULTLESS.keep(key, None)

    return check_once


def _simple_quantity(value: Any, where: Where, depth: int, findings: Findings) -> None:
    """Check a Quantity that may not be a bound.

    https://hl7.org/fhir/R4/datatypes.html#SimpleQuantity
    """
    _object("Quantity")(value, where, depth, findings)
    if isinstance(value, dict) and not value.keys().isdisjoint({"comparator", "_comparator"}):
        findings.add((where, "comparator", -1), "invariant", _SQTY_1)


_SQTY_1 = "sqty-1: The comparator is not used on a SimpleQuantity"


@cache
def _reference(targets: frozenset[str]) -> Check:
    check_object = _object("Reference")

    def check_one(value: Any, where: Where, depth: int, findings: Findings) -> None:
        check_object(value, where, depth, findings)
        if value.__class__ is dict:
            check_reference(value, where, targets, findings)

    return check_one


@cache
def _object(path: str) -> Check:
    """Return the checker of a type or backbone. Its rules are read when first called: types are recursive."""
    known: Rules | None = None

    def check_object(value: Any, where: Where, depth: int, findings: Findings) -> None:
        nonlocal known
        if known is None:
            known = rules(path, _compile, _object("Element"))
        if value.__class__ is not dict or not value:
            findings.add(where, "structure", _not_filled(value))
            return
        if depth > findings.depth:
            findings.too_deep(where)
        before = len(findings.issues)
        _members(value, where, depth, findings, known.properties)
        for name, names in known.required:
            if names.isdisjoint(value):
                place = (where, name.removesuffix("[x]"), -1)
                findings.add(place, "required", f"The element {name} is required.")
        if len(value) == 1 and "id" in value and path != "Element":
            findings.add(where, "invariant", ELE_1)
        if len(findings.issues) == before:
            # Invariants may trust the structure, so they wait for it.
            for text, holds in known.invariants:
                if not holds(value):
                    findings.add(where, "invariant", text)

    return check_object


def _members(value: dict[str, Any], where: Where, depth: int, findings: Findings, properties: dict[str, Rule]) -> None:
    chosen: dict[str, str] = {}
    for name, item in value.items():
        rule = properties.get(name)
        if rule is None:
            findings.add((where, name, -1), "structure", "FHIR R4 has no such element here.")
            continue
        test, member, choice = rule
        if choice is not None and chosen.setdefault(choice, name.lstrip("_")) != name.lstrip("_"):
            findings.add((where, name, -1), "structure", f"{choice} is here in more than one form.")
        if test is not None:
            if (fault := test(item)) is not None:
                findings.add((where, name, -1), *fault)
        elif member is not None:
            member(value, name, where, depth, findings)


def _not_filled(value: object) -> str:
    if value == {}:
        return "An object must not be empty: leave the element out instead."
    return f"Expected an object, found {json_name(value)}."
