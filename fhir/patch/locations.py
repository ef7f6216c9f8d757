"""Elements of a resource with the place each has in its JSON, so that they can be changed there.

A primitive has two members in JSON, its value and, under `_name`, its id and extensions; both are one element here.
https://hl7.org/fhir/R4/json.html#primitive
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from fhir.spec.elements import CONCRETE_TYPES, Element, elements, properties

Pair = tuple[Any, dict[str, Any] | None]
"""A value and the object beside it."""

BACKBONES = ("BackboneElement", "Element")


class UnknownElement(Exception):
    """A type has no element of this name."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element.

    Attributes:
        value: Its JSON; None for a primitive that has only extensions.
        beside: The object under `_name`.
        type: Its type, or the path of a backbone: `Patient.contact`.
        parent: The element it lies in; None for the resource.
        name: The name of its JSON member: `valueQuantity`.
        index: Which of the repetitions it is.
    """

    value: Any
    beside: dict[str, Any] | None
    type: str
    parent: "Node | None" = None
    name: str = ""
    index: int = 0

    @property
    def content(self) -> dict[str, Any]:
        """The object with the element's own elements; for a primitive that has none, an empty one of its own."""
        if isinstance(self.value, dict):
            return self.value
        return self.beside if self.beside is not None else {}

    @property
    def element(self) -> Element:
        """Its definition."""
        assert self.parent is not None  # noqa: S101 - the resource itself is no element of anything
        return properties(self.parent.type)[self.name][0]


def root(resource: dict[str, Any]) -> Node:
    """Return a resource as a node."""
    return Node(resource, None, resource["resourceType"])


def type_of(owner: str, name: str) -> str:
    """Return the type of a member of a type's JSON, or the path of its definition when it is a backbone."""
    element, type_name = properties(owner)[name]
    if element.content_reference:
        return element.content_reference
    return f"{owner}.{name}" if type_name in BACKBONES else type_name


def names(owner: str, name: str) -> list[str]:
    """Return the JSON members that an element may have: one, or one for each type of a choice; none when unknown."""
    if name in properties(owner):
        return [name]
    choice = elements(owner).get(f"{name}[x]")
    return [one for one, (element, _) in properties(owner).items() if element is choice] if choice else []


def pairs(owner: dict[str, Any], name: str) -> list[Pair]:
    """Return the repetitions of a member, each with what stands beside it."""
    values, beside = owner.get(name), owner.get(f"_{name}")
    if isinstance(values, list) or isinstance(beside, list):
        return list(zip_longest(values or [], beside or []))
    return [] if values is None and beside is None else [(values, beside)]


def put(owner: dict[str, Any], name: str, found: Sequence[Pair], *, repeats: bool) -> None:
    """Write the repetitions of a member; none removes it.

    Args:
        owner: The JSON object.
        name: The member.
        found: Each value and what stands beside it.
        repeats: Whether the definition lets the element repeat, so that it is an array.
    """
    for member, items in ((name, [value for value, _ in found]), (f"_{name}", [beside for _, beside in found])):
        if all(item is None for item in items):
            owner.pop(member, None)
        else:
            owner[member] = items if repeats else items[0]


def children(node: Node, name: str) -> list[Node]:
    """Return the elements of a node that have a name; that of a choice is the one without type, `value`.

    Raises:
        UnknownElement: the node's type has none. Resources in a resource may be of several types: not all need have it.
    """
    content = node.content
    found = []
    members = names(node.type, name)
    if not members and not (node.parent and node.type in CONCRETE_TYPES):
        raise UnknownElement(f"{node.type} has no element {name}")
    for member in members:
        for index, (value, beside) in enumerate(pairs(content, member)):
            type_name = type_of(node.type, member)
            if type_name == "Resource":
                type_name = value["resourceType"] if value.get("resourceType") in CONCRETE_TYPES else "Resource"
            found.append(Node(value, beside, type_name, node, member, index))
    return found


def repeats(owner: str, name: str) -> bool:
    """Return whether a member is an array."""
    return properties(owner)[name][0].max != 1


def replace(node: Node, name: str, new: Pair | None) -> None:
    """Put another element in a node's place, or nothing; its member may have to be named after another type.

    What is left without any content goes too: an element is never empty.
    """
    parent = node.parent
    assert parent is not None  # noqa: S101 - the callers refuse to replace the resource
    owner = parent.content
    found = pairs(owner, node.name)
    found[node.index : node.index + 1] = [] if new is None else [new]
    if name != node.name:
        renamed = {(name if key == node.name else key): value for key, value in owner.items()}
        owner.clear()
        owner.update(renamed)
        owner.pop(f"_{node.name}", None)
    put(owner, name, found, repeats=repeats(parent.type, name))
    if parent.parent is None or owner:
        return
    if isinstance(parent.value, dict):
        replace(parent, parent.name, None)
    else:
        replace(parent, parent.name, None if parent.value is None else (parent.value, None))


def open_content(node: Node) -> dict[str, Any]:
    """Return the object that new elements of a node go into; a primitive without one gets it."""
    if isinstance(node.value, dict) or node.beside is not None:
        return node.content
    assert node.parent is not None  # noqa: S101 - the resource is an object
    owner, beside = node.parent.content, dict[str, Any]()
    found = pairs(owner, node.name)
    found[node.index] = (node.value, beside)
    put(owner, node.name, found, repeats=repeats(node.parent.type, node.name))
    return beside
