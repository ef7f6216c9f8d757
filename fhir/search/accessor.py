"""Paths of search parameters compiled to one walk over a resource.

The paths of all parameters of a type grow one tree, so that each key of a resource is looked at once.
https://hl7.org/fhir/R4/searchparameter-definitions.html#SearchParameter.expression
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fhir.search.reference import resolves_to
from fhir.spec.search_paths import INSIDE

Collect = Callable[[Any, Any], None]
"""Called with an element that a path leads to, and with what the walk collects into."""

Condition = Callable[[Any], bool]


@dataclass(slots=True)
class Node:
    """A point of the tree: what is done with an element there, and where it goes on.

    Attributes:
        leaves: What is done with the element.
        children: Where it goes on, by JSON key.
        items: What holds only for one item of a repeating element, by its index.
        filtered: What holds only for elements that fulfil a condition.
    """

    leaves: list[Collect] = field(default_factory=list)
    children: dict[str, "Node"] = field(default_factory=dict)
    items: dict[int, "Node"] = field(default_factory=dict)
    filtered: dict[str, tuple[Condition, "Node"]] = field(default_factory=dict)


def plant(root: Node, path: str, collect: Collect) -> None:
    """Let `collect` be called with every element that a path leads to.

    Args:
        root: The tree of the path's context, usually a resource type.
        path: Steps as `fhir.spec.search_paths.resolve` documents them, and `:type`.
        collect: Given the element and the collection that `walk` was given.

    Raises:
        ValueError: The path begins again at the resource; only composites do, and need both ends.
    """
    node = root
    for step in path.split(" ")[:-1]:
        if step == "%resource":
            raise ValueError(f"not a path of one context: {path}")
        if step[0] == "!":
            collect = _told_whether(step[1:].split(","), collect)
        elif step[0] == "#":
            node = node.items.setdefault(int(step[1:]), Node())
        elif step[0] == "?" or step.startswith("->"):
            node = node.filtered.setdefault(step, (_condition(step), Node()))[1]
        else:
            node = node.children.setdefault(step, Node())
    node.leaves.append(collect)


def _condition(step: str) -> Condition:
    if INSIDE in step:
        inner, _, wanted = step[1:].rpartition(f"{INSIDE}=")
        values = accessor(" ".join([*inner.split(INSIDE), ":"]))
        return lambda element: wanted in [one for one in values(element) if type(one) is str]
    if step[0] == "?":
        key, _, expected = step[1:].partition("=")
        return lambda element: type(element) is dict and element.get(key) == expected
    return lambda element: resolves_to(element, step[2:])


def _told_whether(keys: list[str], collect: Collect) -> Collect:
    """Return what tells `collect` whether one of the keys is there and not `false`."""

    def collect_whether(element: Any, collection: Any) -> None:
        collect(any(element.get(key) not in (None, False) for key in keys), collection)

    return collect_whether


def walk(element: Any, node: Node, collection: Any) -> None:
    """Visit an element and what is below it; the recursion is as deep as the longest path."""
    for collect in node.leaves:
        collect(element, collection)
    if node.filtered:
        for condition, after in node.filtered.values():
            if condition(element):
                walk(element, after, collection)
    children = node.children
    if not children or type(element) is not dict:
        return
    for key, value in element.items():
        child = children.get(key)
        if child is None:
            continue
        if type(value) is not list:
            walk(value, child, collection)
            if child.items:
                _walk_items([value], child.items, collection)
            continue
        for item in value:
            walk(item, child, collection)
        if child.items:
            _walk_items(value, child.items, collection)


def _walk_items(values: list[Any], items: dict[int, Node], collection: Any) -> None:
    for index, after in items.items():
        if index < len(values):
            walk(values[index], after, collection)


def accessor(*paths: str) -> Callable[[dict[str, Any]], list[Any]]:
    """Return a function from an element to the elements that the paths lead to.

    Args:
        paths: Alternatives, each as in `SearchParameter.paths`.
    """
    root = Node()
    for path in paths:
        plant(root, path, lambda element, found: found.append(element))

    def values(element: dict[str, Any]) -> list[Any]:
        found: list[Any] = []
        walk(element, root, found)
        return found

    return values
