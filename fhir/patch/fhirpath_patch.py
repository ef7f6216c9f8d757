"""FHIRPath Patch: https://hl7.org/fhir/R4/fhirpatch.html."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir.errors import Unprocessable
from fhir.exact import read as read_exactly
from fhir.exact import write
from fhir.patch.exact import MalformedPatch, Patch, TooCostly
from fhir.patch.locations import Node, UnknownElement, names, open_content, pairs, put, repeats, replace, root
from fhir.patch.path import Path
from fhir.patch.path import read as read_path
from fhir.patch.values import Unfit, new_element, plain
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.spec.elements import properties

OPERATIONS = 1_000
"""Operations a patch may have."""

MOST_STEPS = 5_000_000_000
"""Characters of all paths, times bytes of the resource: a bound on what looking for the elements may cost."""

_PARTS: dict[str, tuple[str, ...]] = {
    "add": ("path", "name", "value"),
    "insert": ("path", "value", "index"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
"""The parts that each operation must have."""

_TEXTS = ("type", "path", "name")
_NUMBERS = ("index", "source", "destination")


class _Refused(Exception):
    """An operation cannot be carried out; why."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        type: add, insert, delete, replace or move.
        text: The path as it was written.
        path: The path, read.
        name: The name of the element that is added.
        value: The part that holds the value.
        numbers: `index`, or `source` and `destination`.
    """

    type: str
    text: str
    path: Path
    name: str
    value: dict[str, Any]
    numbers: Mapping[str, int]


def _parts(parameter: dict[str, Any], at: str) -> dict[str, dict[str, Any]]:
    """Return the parts of an operation by name.

    Raises:
        MalformedPatch: one is unknown, stands twice, or is of the wrong type.
    """
    if parameter["name"] != "operation":
        raise MalformedPatch("Each parameter is an operation", f"{at}.name")
    found: dict[str, dict[str, Any]] = {}
    for number, part in enumerate(parameter.get("part", ())):
        name, place = part["name"], f"{at}.part[{number}]"
        if name in found or name not in {*_TEXTS, *_NUMBERS, "value"}:
            raise MalformedPatch(f"{name} stands twice, or is no part of an operation", place)
        kind = str if name in _TEXTS else int
        if name != "value" and type(plain(part)) is not kind:
            raise MalformedPatch(f"{name} is {'a string' if kind is str else 'a whole number'}", place)
        found[name] = part
    return found


def _operation(parameter: dict[str, Any], at: str) -> Operation:
    parts = _parts(parameter, at)
    kind = plain(parts["type"]) if "type" in parts else None
    if kind not in _PARTS:
        raise MalformedPatch(f"The type is one of {', '.join(_PARTS)}", at)
    if missing := [name for name in _PARTS[kind] if name not in parts]:
        raise MalformedPatch(f"{kind} needs a {missing[0]}", at)
    text = plain(parts["path"])
    try:
        path = read_path(text)
    except MalformedPatch as error:
        raise MalformedPatch(error.diagnostics, at) from None
    if kind in {"insert", "move"} and path.last is None:
        raise MalformedPatch(f"The path of {kind} ends with the name of a list: {text}", at)
    name = plain(parts["name"]) if "name" in parts else ""
    numbers = {one: plain(parts[one]) for one in _NUMBERS if one in parts}
    return Operation(kind, text, path, name, parts.get("value", {}), numbers)


def operations(document: bytes) -> list[Operation]:
    """Return the operations of a Parameters resource.

    Raises:
        InvalidJson: it is not strict JSON.
        MalformedPatch: it is not a FHIRPath Patch.
    """
    if issues := [one for one in check(parse(document)) if one.severity in ("error", "fatal")]:
        raise MalformedPatch(issues[0].diagnostics, issues[0].expression)
    tree = read_exactly(document)
    if tree["resourceType"] != "Parameters":
        raise MalformedPatch("A FHIRPath Patch is a Parameters resource", "resourceType")
    found = tree.get("parameter", ())
    if len(found) > OPERATIONS:
        raise TooCostly(f"A patch has at most {OPERATIONS} operations")
    return [_operation(one, f"Parameters.parameter[{number}]") for number, one in enumerate(found)]


def _one(nodes: list[Node]) -> Node:
    if len(nodes) != 1:
        raise _Refused(f"the path means {len(nodes)} elements, not one")
    return nodes[0]


def _add(resource: Node, operation: Operation) -> None:
    node = _one(operation.path.evaluate(resource))
    new = new_element(node.type, operation.name, operation.value)
    many, content = repeats(node.type, new.name), open_content(node)
    before = pairs(content, new.name)
    if not many and any(pairs(content, one) for one in _members(node.type, new.name)):
        raise _Refused(f"{operation.name} is there already, and does not repeat")
    put(content, new.name, [*before, new.pair], repeats=many)


def _members(owner: str, member: str) -> list[str]:
    """Return the members of which an object has one at most: all those of a choice."""
    return names(owner, properties(owner)[member][0].name.removesuffix("[x]"))


def _list(resource: Node, operation: Operation) -> tuple[Node, str, list[Any]]:
    """Return the element that a list lies in, the list's name, and what is in it."""
    name = operation.path.last or ""
    node = _one(operation.path.around(resource))
    if names(node.type, name) != [name]:
        raise UnknownElement(f"{node.type} has no element {name}")
    if not repeats(node.type, name):
        raise _Refused(f"{name} is not a list")
    return node, name, pairs(node.content, name)


def _number(operation: Operation, name: str, most: int) -> int:
    number = operation.numbers[name]
    if not 0 <= number <= most:
        raise _Refused(f"{name} {number} is outside of the list")
    return number


def _insert(resource: Node, operation: Operation) -> None:
    node, name, found = _list(resource, operation)
    new = new_element(node.type, name, operation.value)
    found.insert(_number(operation, "index", len(found)), new.pair)
    put(open_content(node), name, found, repeats=True)


def _move(resource: Node, operation: Operation) -> None:
    node, name, found = _list(resource, operation)
    source, destination = [_number(operation, one, len(found) - 1) for one in ("source", "destination")]
    found.insert(destination, found.pop(source))
    put(node.content, name, found, repeats=True)


def _delete(resource: Node, operation: Operation) -> None:
    nodes = operation.path.evaluate(resource)
    # "Path of the element to delete (if found)": none is no error.
    if nodes:
        node = _one(nodes)
        _inside(node)
        replace(node, node.name, None)


def _replace(resource: Node, operation: Operation) -> None:
    node = _one(operation.path.evaluate(resource))
    parent = _inside(node)
    new = new_element(parent.type, node.element.name.removesuffix("[x]"), operation.value)
    replace(node, new.name, new.pair)


def _inside(node: Node) -> Node:
    if node.parent is None:
        raise _Refused("the resource itself stays")
    return node.parent


_CARRY_OUT: dict[str, Callable[[Node, Operation], None]] = {
    "add": _add,
    "insert": _insert,
    "delete": _delete,
    "replace": _replace,
    "move": _move,
}


def apply(tree: dict[str, Any], patch: list[Operation]) -> None:
    """Carry out all operations in their order; a failure leaves the tree changed by those before.

    Args:
        tree: A resource that follows base R4; numbers as `int` or `Decimal`.
        patch: What `operations` returned.

    Raises:
        Unprocessable: an operation cannot be carried out; its number and path are named.
    """
    for number, operation in enumerate(patch):
        try:
            _CARRY_OUT[operation.type](root(tree), operation)
        except (_Refused, UnknownElement, Unfit) as error:
            named = f"Operation {number} ({operation.type} {operation.text})"
            raise Unprocessable(f"{named}: {error}", operation.text) from None


def read(document: bytes) -> Patch:
    """Return the patch that a document is.

    Raises:
        InvalidJson: it is not strict JSON.
        MalformedPatch: it is not a FHIRPath Patch.
    """
    patch = operations(document)

    length = sum(len(operation.text) for operation in patch)

    def patched(body: bytes) -> bytes:
        if length * len(body) > MOST_STEPS:
            raise TooCostly("So many and long paths are not looked for in a resource of this size")
        tree = read_exactly(body)
        apply(tree, patch)
        return write(tree)

    return patched
