"""Discriminators: to which slice does a value belong?

https://hl7.org/fhir/R4/profiling.html#discriminator
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from fhir.profiles.snapshot import Node, Structure
from fhir.profiles.value_sets import members
from fhir.profiles.values import follows, same
from fhir.profiles.walk import Occurrence, Walk
from fhir.spec.elements import COMPLEX_TYPES, PRIMITIVE_TYPES
from fhir.terminology.members import contains

TYPE_OF_SUFFIX = {f"{code[0].upper()}{code[1:]}": code for code in PRIMITIVE_TYPES | COMPLEX_TYPES}
"""`Quantity` and `DateTime`, as names of choice elements end, to the type's code."""

Matcher = Callable[[Occurrence, Walk], bool]
"""Whether an occurrence is of a slice."""

Conforms = Callable[[Any, str, Walk], bool]
"""Whether a value conforms to a profile."""

Find = Callable[[str], Structure | None]
"""Returns a loaded definition."""

_STEP = re.compile(r"(\$this|[A-Za-z][A-Za-z0-9]*)(?:\(\s*['\"]?([^)'\"]*)['\"]?\s*\))?(?:\.|$)")


class Step(NamedTuple):
    """One step of a discriminator's path."""

    name: str
    argument: str | None
    """What stands in the parentheses of a function; None for an element."""


def steps(path: str) -> list[Step] | None:
    """Return the steps of a path, None when it uses what discriminators may not."""
    found, at = [], 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            return None
        found.append(Step(match[1], match[2] if "(" in match[0] else None))
        at = match.end()
    return [step for step in found if step.name != "$this"]


class Typed(NamedTuple):
    """A value on a path, and its type where its name tells it."""

    value: Any
    type: str


def on_path(start: Occurrence, path: list[Step], walk: Walk) -> list[Typed]:
    """Return the values of an occurrence that a path leads to."""
    found = [Typed(start.value if start.value is not None else start.beside, start.type)]
    for step in path:
        found = [one for before in found for one in _taken(before, step, walk)]
    return found


def _taken(before: Typed, step: Step, walk: Walk) -> Iterator[Typed]:
    value = before.value
    if step.name == "resolve":
        target = walk.resolve(value)
        if target is not None:
            yield Typed(target, target["resourceType"])
    elif step.name == "ofType" and step.argument is not None:
        if before.type == step.argument:
            yield before
    elif step.name == "extension" and step.argument is not None:
        if value.__class__ is dict:
            yield from (Typed(one, "Extension") for one in value.get("extension", ()) if one["url"] == step.argument)
    elif value.__class__ is dict:
        yield from _members(value, step.name)


def _members(value: dict[str, Any], name: str) -> Iterator[Typed]:
    size = len(name)
    for key, item in value.items():
        kind = "" if key == name else TYPE_OF_SUFFIX.get(key[size:]) if key.startswith(name) else None
        if kind is None:
            continue
        for one in item if item.__class__ is list else (item,):
            yield Typed(one, one.get("resourceType", kind) if one.__class__ is dict else kind)


def defined(node: Node, path: list[Step], find: Find) -> Node | None:
    """Return what a slice's definition says at a path; None when it says nothing there."""
    at: Node | None = node
    for step in path:
        if at is None:
            return None
        at = _defined(at, step, find)
    return at


def _defined(node: Node, step: Step, find: Find) -> Node | None:
    if step.name == "resolve":
        return _resolved(node)
    if step.name == "ofType":
        return next((one for one in node.slices.values() if step.argument in _codes(one)), node)
    if step.name == "extension" and step.argument is not None:
        return _extension(node, step.argument, find)
    child = node.children.get(step.name) or node.children.get(f"{step.name}[x]")
    if child is None:
        roots = [found.root for url in node.profiles() if (found := find(url)) is not None]
        return _defined(roots[0], step, find) if roots and roots[0] is not node else None
    return child


def _resolved(node: Node) -> Node:
    """Return a node that has the profiles of a reference's targets as its own."""
    targets = [one for kind in node.types for one in kind.get("targetProfile", ())]
    return Node(node.name, {"type": [{"code": "", "profile": targets}]})


def _extension(node: Node, url: str, find: Find) -> Node | None:
    around = node.children.get("extension")
    for one in around.slices.values() if around else ():
        if url in one.profiles():
            found = find(url)
            return found.root if found else one
        if one.children.get("url", one).fixed == url:
            return one
    return None


def _codes(node: Node) -> list[str]:
    return [kind["code"] for kind in node.types]


def matcher(kind: str, path: str, node: Node, find: Find, conforms: Conforms) -> Matcher | None:
    """Return what tells whether an occurrence is of a slice; None when the definitions do not tell.

    Args:
        kind: `value`, `pattern`, `exists`, `type` or `profile`.
        path: The discriminator's path.
        node: The slice.
        find: Finds the profiles of its types.
        conforms: Asks whether a value follows a profile.
    """
    way = steps(path)
    if way is None:
        return None
    if node.name in ("extension", "modifierExtension") and path == "url":
        return _by_url(node, find)
    target = defined(node, way, find)
    if target is None:
        return None
    made = _MAKERS[kind](target, find, conforms) if kind in _MAKERS else None
    if made is None:
        return None
    holds, any_value = made
    return lambda occurrence, walk: any_value(holds(one, walk) for one in on_path(occurrence, way, walk))


def _by_url(node: Node, find: Find) -> Matcher | None:
    url = node.children["url"].fixed if "url" in node.children else None
    profiles = node.profiles()
    if url is None and profiles:
        known = find(profiles[0])
        stated = known.root.children.get("url") if known else None
        url = (stated.fixed if stated else None) or profiles[0].partition("|")[0]
    if url is None:
        return None
    return lambda occurrence, _: bool(occurrence.value and occurrence.value.get("url") == url)


Made = tuple[Callable[[Typed, Walk], bool], Callable[[Iterable[bool]], bool]]
"""A test of one value on the path, and whether any or all of them must pass it."""


def _by_value(node: Node, find: Find, _: Conforms) -> Made | None:
    test = valued(node, find)
    return None if test is None else (lambda one, walk: test(one.value, walk), any)


def valued(node: Node, find: Find) -> Callable[[Any, Walk], bool] | None:
    """Return the test of the values that a node demands: its own, those below it, or its required value set."""
    if node.fixed is not None:
        return lambda value, _: same(value, node.fixed)
    if node.pattern is not None:
        return lambda value, _: follows(value, node.pattern)
    below = {name: test for name, one in node.children.items() if (test := _demanded(one, find)) is not None}
    if below:
        return lambda value, walk: (
            value.__class__ is dict
            and all(
                any(test(one.value, walk) for one in _members(value, name.removesuffix("[x]")))
                for name, test in below.items()
            )
        )
    binding = node.facts.get("binding", {})
    if binding.get("strength") == "required" and "valueSet" in binding:
        return lambda value, walk: _bound(value, binding["valueSet"], walk)
    for url in node.profiles():
        found = find(url)
        if found is not None and found.root is not node and (test := valued(found.root, find)) is not None:
            return test
    return None


def _demanded(node: Node, find: Find) -> Callable[[Any, Walk], bool] | None:
    """Return the test of a child, or of a slice of it that must be there."""
    if node.name in ("extension", "modifierExtension", "id"):
        return None
    tests = [test for one in node.slices.values() if one.min and (test := valued(one, find)) is not None]
    return tests[0] if tests else valued(node, find)


def _bound(value: Any, url: str, walk: Walk) -> bool:
    known = members(url, walk.definitions)
    if value.__class__ is str:
        return contains(known, None, value) is not False
    if value.__class__ is not dict:
        return False
    codings = value.get("coding", ()) if "coding" in value or "system" not in value else (value,)
    return any(contains(known, one.get("system"), one.get("code", "")) is not False for one in codings)


def _by_existence(node: Node, _find: Find, _conforms: Conforms) -> Made:
    if node.max == 0:
        return (lambda _one, _walk: False), all
    return (lambda _one, _walk: True), any


def _by_type(node: Node, find: Find, _: Conforms) -> Made | None:
    wanted = set(_codes(node)) - {""}
    wanted |= {found.type for url in node.profiles() if not wanted and (found := find(url)) is not None}
    wanted |= {url.rpartition("/")[2] for url in node.profiles() if not wanted}
    return (lambda one, _walk: one.type in wanted), any


def _by_profile(node: Node, _find: Find, conforms: Conforms) -> Made | None:
    urls = node.profiles()
    if not urls:
        return None
    return (lambda one, walk: any(conforms(one.value, url, walk) for url in urls)), any


_MAKERS: dict[str, Callable[[Node, Find, Conforms], Made | None]] = {
    "value": _by_value,
    "pattern": _by_value,
    "exists": _by_existence,
    "type": _by_type,
    "profile": _by_profile,
}
