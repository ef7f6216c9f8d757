"""An element that is being read, and the JSON object it becomes."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from fhir.xml.shape import Part


class Frame:
    """One open element.

    Attributes:
        part: What it is in the element around it.
        parts: What it may hold.
        name: Its name.
        tree: Its JSON: of an object its members, of a primitive its id and extensions.
        start: Of a resource in an entry of a Bundle: where it begins, in bytes.
        value: Of a primitive or a narrative: its value.
        place: Where the last of its children stands in the definition.
        began: The names of its children so far.
    """

    __slots__ = ("began", "name", "part", "parts", "place", "start", "tree", "uneven", "value")

    def __init__(
        self,
        part: Part,
        parts: Mapping[str, Part],
        name: str,
        tree: dict[str, Any] | None = None,
        start: int = 0,
    ) -> None:
        self.part = part
        self.parts = parts
        self.name = name
        self.tree: dict[str, Any] = {} if tree is None else tree
        self.start = start
        self.value: Any = None
        self.place = -1
        self.began: set[str] = set()
        self.uneven = False

    def take(self, child: "Frame") -> None:
        """Take over a child that is whole."""
        part = child.part
        if part.kind == "primitive":
            self._take_primitive(child)
        else:
            child.finish()
            self._add(part, part.name, _content(child))

    def _add(self, part: Part, name: str, value: Any) -> None:
        if part.many:
            self.tree.setdefault(name, []).append(value)
        else:
            self.tree[name] = value

    def _take_primitive(self, child: "Frame") -> None:
        """Add a value, and beside it its id and extensions: `birthDate` and `_birthDate`.

        https://hl7.org/fhir/R4/json.html#primitive
        """
        part, name, sibling = child.part, child.name, f"_{child.name}"
        child.finish()
        if not part.many:
            if child.value is not None:
                self.tree[name] = child.value
            if child.tree:
                self.tree[sibling] = child.tree
            return
        values = self.tree.setdefault(name, [])
        values.append(child.value)
        self.uneven |= child.value is None
        if sibling in self.tree:
            self.tree[sibling].append(child.tree or None)
        elif child.tree:
            self.tree[sibling] = [*([None] * (len(values) - 1)), child.tree]

    def finish(self) -> None:
        """Leave out arrays of nothing but nulls."""
        if self.uneven:
            for name in [name for name, value in self.tree.items() if _is_void(value)]:
                del self.tree[name]


def _is_void(value: Any) -> bool:
    return type(value) is list and all(item is None for item in value)


def _content(frame: Frame) -> Any:
    if frame.part.kind == "narrative":
        return frame.value
    if frame.part.kind == "resource":
        return msgspec.Raw(frame.tree[""])
    return frame.tree


def at(stack: Sequence[Frame]) -> str:
    """Return the path of the innermost open element: `Patient.name[0].given[1]`."""
    steps = []
    for around, frame in pairwise(stack):
        if around.part.kind == "resource" and around.name:
            continue  # the type of a resource inside another is no step of a path
        beside = around.tree.get(frame.name, ()) if frame.part.many else ()
        steps.append(f"{frame.name}[{len(beside)}]" if frame.part.many else frame.name)
    return ".".join(steps)
