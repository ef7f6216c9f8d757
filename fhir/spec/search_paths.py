"""Search expressions resolved against element definitions: the JSON keys they walk and the types they end in.

https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fhir.spec.search_expression import Branch, Step, parse

INSIDE = "\x1f"
"""Stands between the steps of a condition that looks deeper than one key."""

DEEPEST = 30
"""Steps of a branch."""

MOST_PLACES = 2_000
"""Places that one expression leads to: each `value[x]` has fifty types."""


class Elements(Protocol):
    """ElementDefinitions by path (`Observation.value[x]`), of all resource types and data types."""

    def get(self, path: str, /) -> Mapping[str, Any] | None:
        """Return the definition of an element, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step has led to.

    Attributes:
        steps: What has been walked, in the form `resolve` documents.
        context: The path its children are defined under: `Observation.component`, `CodeableConcept`.
        type: Its FHIR type.
        targets: Resource types it may refer to; `Resource` is any, empty is none.
    """

    steps: tuple[str, ...]
    context: str
    type: str
    targets: tuple[str, ...] = ()


def resolve(expression: str, context: str, elements: Elements) -> tuple[Place, ...]:
    """Return the places `expression` leads to in resources of one type.

    A place's steps are JSON keys and, between them, `?key=value` (keep objects with that value), `->Patient`
    (keep references to that type), `#0` (keep that item), and as a first step `%resource` (begin again at the
    resource) or `!a,b` (whether one of these keys is there and not `false`). A condition that looks deeper is
    `?steps=value` with `INSIDE` after each of its steps.

    Args:
        expression: A FHIRPath union; branches of other resource types are left out.
        context: The resource type, or the path of the element a composite's component is relative to.
        elements: Where element definitions are looked up.

    Raises:
        ValueError: A branch does not parse, or leads nowhere.
    """
    resource_type = context.partition(".")[0]
    places: list[Place] = []
    for branch in parse(expression):
        root = branch[0][1]
        if branch[0][0] != "child":
            start, rest = Place((), context, context), branch
        elif root == "%resource":
            start, rest = Place(("%resource",), resource_type, resource_type), branch[1:]
        elif root in ("Resource", "DomainResource", resource_type):
            start, rest = Place((), resource_type, resource_type), branch[1:]
        elif root[0].isupper():
            continue
        else:
            start, rest = Place((), context, context), branch
        found = _walk(start, rest, elements)
        if not found:
            raise ValueError(f"leads nowhere in {context}: {expression}")
        places += found
    return tuple(dict.fromkeys(places))


def _walk(start: Place, steps: Branch, elements: Elements) -> list[Place]:
    if steps and steps[-1] == ("true",):
        found = [place.steps for place in _walk(start, steps[:-1], elements)]
        if not all(len(walked) == 1 for walked in found):
            raise ValueError(f"only an element of the resource itself can be asked for being there: {found}")
        return [Place(("!" + ",".join(key for (key,) in found),), "boolean", "boolean")]
    if len(steps) > DEEPEST:
        raise ValueError(f"more than {DEEPEST} steps")
    places = [start]
    for step in steps:
        places = [after for place in places for after in _step(place, step, elements)]
        if len(places) > MOST_PLACES:
            raise ValueError(f"more than {MOST_PLACES} elements; say `as` a type")
    return places


def _step(place: Place, step: Step, elements: Elements) -> list[Place]:
    verb, *arguments = step
    if verb == "child":
        return _children(place, arguments[0], elements)
    if verb == "as":
        # R4 writes both `dateTime` and `DateTime`.
        return [place] if place.type.lower() == arguments[0].lower() else []
    if verb == "extension":
        return _filtered(_children(place, "extension", elements), f"?url={arguments[0]}")
    if verb == "where":
        return _filtered([place], f"?{arguments[0]}={arguments[1]}")
    if verb == "test":
        return _filtered([place], _test(place, arguments[0], arguments[1], elements))
    if verb == "index":
        return _filtered([place], f"#{arguments[0]}")
    kept = _filtered([place], f"->{arguments[0]}")
    return [Place(to.steps, to.context, to.type, (arguments[0],)) for to in kept]


def _test(place: Place, branch: Branch, text: str, elements: Elements) -> str:
    """Return the condition that what a branch leads to from a place is a text."""
    found = _walk(Place((), place.context, place.type), branch, elements)
    if len(found) != 1:
        raise ValueError(f"a condition of where() leads to {len(found)} elements of {place.context}, not to one")
    return "?" + "".join(step + INSIDE for step in found[0].steps) + "=" + text


def _filtered(places: list[Place], condition: str) -> list[Place]:
    return [Place((*place.steps, condition), place.context, place.type, place.targets) for place in places]


def _children(place: Place, name: str, elements: Elements) -> list[Place]:
    path = f"{place.context}.{name}"
    if name == "extension" and place.type[:1].islower() and place.steps:
        # What a primitive has beside its value is under a key of its own.
        return [Place((*place.steps[:-1], f"_{place.steps[-1]}", name), "Extension", "Extension")]
    if (element := elements.get(path)) is not None:
        if reference := element.get("contentReference"):
            return [Place((*place.steps, name), reference[1:], "BackboneElement")]
        return [_child(place, name, path, type_) for type_ in element["type"]]
    if (element := elements.get(f"{path}[x]")) is not None:
        types = element["type"]
        return [_child(place, name + t["code"][0].upper() + t["code"][1:], path, t) for t in types]
    return []


def _child(place: Place, key: str, path: str, type_: Mapping[str, Any]) -> Place:
    code = type_["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        # Ids and primitive values are typed by FHIRPath in the definitions; search only meets ids.
        code = "id"
    inline = code in ("BackboneElement", "Element")
    targets = tuple(profile.rpartition("/")[2] for profile in type_.get("targetProfile", ()))
    if code == "Reference" and not targets:
        targets = ("Resource",)
    return Place((*place.steps, key), path if inline else code, code, targets)
