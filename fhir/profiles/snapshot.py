"""A StructureDefinition's elements as a tree: children by name, slices by name.

https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_READ = ("min", "max", "base", "type", "maxLength", "binding", "constraint", "slicing", "contentReference")
_STEMS = ("fixed", "pattern", "minValue", "maxValue")
_OF_EVERYTHING = ("ele-1", "ext-1")
"""Invariants of base R4 that snapshots repeat at each element and extension."""


class Unusable(Exception):
    """Nothing can be checked by this definition; the text says why."""


@dataclass(eq=False)
class Node:
    """One ElementDefinition, and what is defined below it."""

    name: str
    """The last part of its path: `identifier`, `value[x]`."""
    facts: Mapping[str, Any]
    """The ElementDefinition; empty for one that the definition leaves out."""
    children: dict[str, "Node"] = field(default_factory=dict)
    slices: dict[str, "Node"] = field(default_factory=dict)

    @property
    def min(self) -> int:
        """The least number of occurrences."""
        return int(self.facts.get("min", 0))

    @property
    def max(self) -> int | None:
        """The greatest number of occurrences; None is any."""
        stated = self.facts.get("max", "*")
        return None if stated == "*" else int(stated)

    @property
    def types(self) -> list[Mapping[str, Any]]:
        """The types it may have."""
        return list(self.facts.get("type", ()))

    @cached_property
    def fixed(self) -> Any:
        """Its fixed value, or None."""
        return self._choice("fixed")

    @cached_property
    def pattern(self) -> Any:
        """Its pattern, or None."""
        return self._choice("pattern")

    @cached_property
    def matters(self) -> bool:
        """Whether it says anything that a resource of base R4 may break; where that is not sure, it does."""
        facts = self.facts
        most = facts.get("max")
        return bool(
            facts.get("min")
            or (most is not None and most != facts.get("base", {}).get("max"))
            or any(name.startswith(_STEMS) or name in ("maxLength", "contentReference") for name in facts)
            or facts.get("binding", {}).get("strength") in ("required", "extensible")
            or any(one.get("key") not in _OF_EVERYTHING for one in facts.get("constraint", ()))
            or any("profile" in kind or "targetProfile" in kind for kind in self.types)
            or (self.name.endswith("[x]") and self.types)
            or any(child.matters for child in (*self.children.values(), *self.slices.values()))
        )

    def limit(self, stem: str) -> Any:
        """Return its `minValue` or `maxValue`, or None."""
        return self._choice(stem)

    def _choice(self, stem: str) -> Any:
        size = len(stem)
        return next((v for k, v in self.facts.items() if k.startswith(stem) and k[size : size + 1].isupper()), None)

    def profiles(self, code: str = "") -> list[str]:
        """Return the profiles of its types, or of the type `code`."""
        return [one for kind in self.types if not code or kind["code"] == code for one in kind.get("profile", ())]


@dataclass(eq=False)
class Structure:
    """A StructureDefinition in the form that is compiled."""

    url: str
    name: str
    type: str
    """The type it constrains: `Patient`, `Extension`, `Identifier`."""
    kind: str
    """`resource`, `complex-type` or `primitive-type`."""
    root: Node
    base: str | None
    """The definition that must be followed too: None where the elements say all of it already."""
    contexts: tuple[tuple[str, str], ...]
    """For an extension: where it may stand, as type of context and expression."""
    modifier: bool
    """For an extension: whether it may change the meaning of what surrounds it."""

    def at(self, path: str) -> Node | None:
        """Return the node at a path or id below the root, as content references name it."""
        node: Node | None = self.root
        for part in path.split(".")[1:]:
            name, _, cut = part.partition(":")
            node = node.children.get(name) if node else None
            node = node.slices.get(cut) if node and cut else node
        return node


def read(definition: Mapping[str, Any]) -> Structure:
    """Return a StructureDefinition as a tree.

    Without a snapshot its differential is taken, and `base` names what must be followed beside it.

    Raises:
        Unusable: it has no elements, or defines no resource and no data type of R4.
    """
    url, kind = str(definition.get("url", "")), str(definition.get("kind", ""))
    if kind == "logical":
        raise Unusable("it defines a logical model, which no resource follows")
    whole = definition.get("snapshot", {}).get("element", ())
    elements = whole or definition.get("differential", {}).get("element", ())
    if not elements:
        raise Unusable("it has no elements")
    root = Node(str(definition.get("type", "")), _lean(elements[0]) if "." not in elements[0]["path"] else {})
    for element in elements:
        _insert(root, element)
    contexts = tuple((str(one.get("type")), str(one.get("expression"))) for one in definition.get("context", ()))
    return Structure(
        url=url,
        name=str(definition.get("name") or url),
        type=str(definition.get("type", "")),
        kind=kind,
        root=root,
        base=None if whole else definition.get("baseDefinition"),
        contexts=contexts,
        modifier=elements[0].get("isModifier") is True,
    )


def _lean(element: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is read of an ElementDefinition: most of it is text for people."""
    return {name: one for name, one in element.items() if name in _READ or name.startswith(_STEMS)}


def _insert(root: Node, element: Mapping[str, Any]) -> None:
    parts = str(element.get("id") or _identified(element)).split(".")
    node = root
    for number, part in enumerate(parts[1:], start=1):
        facts = _lean(element) if number == len(parts) - 1 else {}
        node = _below(node, part, facts)


def _below(node: Node, part: str, facts: Mapping[str, Any]) -> Node:
    name, _, cut = part.partition(":")
    child = node.children.setdefault(name, Node(name, {}))
    # `a/b` slices the slice `a` again, where there is one that is sliced.
    outer, _, inner = cut.partition("/")
    if inner and outer in child.slices and "slicing" in child.slices[outer].facts:
        child, cut = child.slices[outer], inner
    if cut:
        child = child.slices.setdefault(cut, Node(name, {}))
    if facts:
        child.facts = facts
    return child


def _identified(element: Mapping[str, Any]) -> str:
    """Return the id of an element that has none."""
    return f"{element['path']}:{element['sliceName']}" if "sliceName" in element else str(element["path"])
