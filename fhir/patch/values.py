"""The values of FHIRPath Patch: how a part of Parameters becomes an element of a type.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from copy import deepcopy
from typing import Any, NamedTuple

from fhir.patch.locations import Pair, names, pairs, put, repeats, type_of
from fhir.spec.elements import COMPLEX_TYPES, PRIMITIVE_TYPES, properties

_QUANTITIES = frozenset(("Quantity", "Age", "Count", "Distance", "Duration"))
_VALUES = {name: code for name, (_, code) in properties("Parameters.parameter").items() if name.startswith("value")}


class Unfit(Exception):
    """The value is none of the element's types."""


class New(NamedTuple):
    """An element to be written: the name of its JSON member, and what comes there."""

    name: str
    pair: Pair


def stated(part: dict[str, Any]) -> tuple[str, Pair] | None:
    """Return the type and the value that a part states as `value[x]`; None when it states none."""
    for name, code in _VALUES.items():
        if found := pairs(part, name):
            return code, deepcopy(found[0])
    return None


def plain(part: dict[str, Any]) -> Any:
    """Return the value that a part states as `value[x]`, whatever its type."""
    found = stated(part)
    return found[1][0] if found else None


def new_element(owner: str, name: str, part: dict[str, Any]) -> New:
    """Return what a part makes of an element.

    Args:
        owner: The type, or path of a backbone, that the element is one of.
        name: The element's name; a choice without its type (`value`), or with it.
        part: With a `value[x]`, a `resource`, or a `part` for each element of what has no name as a type.

    Raises:
        Unfit: the owner has no such element, or it takes no such value.
    """
    members = names(owner, name.removesuffix("[x]"))
    value = stated(part)
    if not members:
        raise Unfit(f"{owner} has no element {name}")
    if value is None:
        return New(_only(members, name), (_built(type_of(owner, _only(members, name)), name, part), None))
    code, pair = value
    if len(members) > 1:
        member = f"{name.removesuffix('[x]')}{code[0].upper()}{code[1:]}"
        if member not in members:
            raise Unfit(f"{owner}.{name} takes no {code}")
        return New(member, pair)
    if not _takes(type_of(owner, members[0]), code):
        raise Unfit(f"{owner}.{name} takes no {code}")
    return New(members[0], pair)


def _only(members: list[str], name: str) -> str:
    if len(members) > 1:
        raise Unfit(f"The type of {name} is not stated: its value is a value[x]")
    return members[0]


def _takes(wanted: str, code: str) -> bool:
    if wanted in PRIMITIVE_TYPES:
        # A date may come as a string: whether it is one is checked with the whole resource.
        return code in PRIMITIVE_TYPES
    return wanted == code or {wanted, code} <= _QUANTITIES


def _built(type_name: str, name: str, part: dict[str, Any]) -> dict[str, Any]:
    """Return an object that is given by its parts, or a resource."""
    if type_name == "Resource":
        if not isinstance(part.get("resource"), dict):
            raise Unfit(f"{name} is given as a resource")
        return deepcopy(dict(part["resource"]))
    if "part" not in part or not (type_name in COMPLEX_TYPES or "." in type_name):
        raise Unfit(f"{name} has no value that a {type_name} can be made of")
    made: dict[str, Any] = {}
    for inner in part["part"]:
        new = new_element(type_name, inner["name"], inner)
        many = repeats(type_name, new.name)
        before = pairs(made, new.name)
        if before and not many:
            raise Unfit(f"{name} has one {inner['name']} at most")
        put(made, new.name, [*before, new.pair], repeats=many)
    return made
