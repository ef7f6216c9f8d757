"""The difference of two resources of a type as a FHIRPath Patch, which makes the one of the other.

https://hl7.org/fhir/R4/fhirpatch.html
"""

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import zip_longest
from typing import Any

from fhir.exact import same
from fhir.spec.elements import COMPLEX_TYPES, PRIMITIVE_TYPES, elements, properties

Operation = dict[str, Any]
"""A member of `Parameters.parameter`."""

Item = tuple[Any, Any]
"""A value, and what an underscore before the name says of it: id and extensions of a primitive."""

_NOTHING: Item = (None, None)


@cache
def _open_types() -> frozenset[str]:
    return frozenset(elements("Parameters.parameter")["value[x]"].types)


def _child(type_name: str, key: str) -> tuple[str, str]:
    """Return how FHIRPath names an element, and its type: a path for a backbone."""
    known = properties(type_name).get(key)
    if known is None:
        return key, "Resource" if key in ("contained", "resource") else "string"
    element, code = known
    step = element.name.removesuffix("[x]")
    if code == "":
        return step, element.content_reference or ""
    if code in ("BackboneElement", "Element"):
        return step, f"{type_name}.{element.name}"
    return step, code


def _items(node: Mapping[str, Any], key: str) -> list[Item] | Item:
    value, more = node.get(key), node.get(f"_{key}")
    if isinstance(value, list) or isinstance(more, list):
        return list(zip_longest(value or [], more or []))
    return value, more


def _keys(*nodes: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(key.removeprefix("_") for node in nodes for key in node))


def _value(name: str, item: Item, code: str) -> Operation:
    """Return a parameter that holds a value: as it is, or in parts when it has no data type of its own."""
    value, more = item
    if code in PRIMITIVE_TYPES or not isinstance(value, dict):
        kind = code if code in _open_types() else "string"
        key = f"value{kind[0].upper()}{kind[1:]}"
        held = {key: value} if value is not None else {}
        return {"name": name, **held, **({f"_{key}": more} if more is not None else {})}
    if code == "Resource":
        return {"name": name, "resource": value}
    if code in _open_types():
        return {"name": name, f"value{code[0].upper()}{code[1:]}": value}
    parts = []
    for key in _keys(value):
        step, child = _child(code, key)
        held_items = _items(value, key)
        parts += [_value(step, one, child) for one in (held_items if isinstance(held_items, list) else [held_items])]
    return {"name": name, "part": parts}


def _operation(kind: str, path: str, *more: Operation) -> Operation:
    parts = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}, *more]
    return {"name": "operation", "part": parts}


def _add(path: str, name: str, item: Item, code: str) -> Operation:
    return _operation("add", path, {"name": "name", "valueString": name}, _value("value", item, code))


def _one(old: Item, new: Item, code: str, path: str) -> Iterator[Operation]:
    """Yield what makes `new` of `old`, both there."""
    before, after = old[0], new[0]
    both = isinstance(before, dict) and isinstance(after, dict)
    if both and code == "Resource" and before["resourceType"] == after["resourceType"]:
        yield from _object(before, after, after["resourceType"], path)
    elif both and (code in COMPLEX_TYPES or "." in code):
        yield from _object(before, after, code, path)
    else:
        yield _operation("replace", path, _value("value", new, code))


def _list(old: list[Item], new: list[Item], code: str, path: str, step: str) -> Iterator[Operation]:
    for number, (one, other) in enumerate(zip(old, new, strict=False)):
        if not same(one, other):
            yield from _one(one, other, code, f"{path}.{step}[{number}]")
    for number in range(len(old) - 1, len(new) - 1, -1):
        yield _operation("delete", f"{path}.{step}[{number}]")
    for item in new[len(old) :]:
        yield _add(path, step, item, code)


def _listed(items: list[Item] | Item) -> list[Item]:
    return items if isinstance(items, list) else [] if items == _NOTHING else [items]


def _object(old: Mapping[str, Any], new: Mapping[str, Any], type_name: str, path: str) -> Iterator[Operation]:
    for key in _keys(old, new):
        if key == "resourceType" and "." not in type_name:
            continue
        step, code = _child(type_name, key)
        before, after = _items(old, key), _items(new, key)
        if same(before, after):
            continue
        if isinstance(before, list) or isinstance(after, list):
            yield from _list(_listed(before), _listed(after), code, path, step)
        elif before == _NOTHING:
            yield _add(path, step, after, code)
        elif after == _NOTHING:
            yield _operation("delete", f"{path}.{step}")
        else:
            yield from _one(before, after, code, f"{path}.{step}")


def diff(old: Mapping[str, Any], new: Mapping[str, Any], *, with_meta: bool) -> list[Operation]:
    """Return the operations that make `new` of `old`, in the order in which they are to be carried out.

    Args:
        old: A resource as `exact.read` gives it.
        new: Another one of the same type.
        with_meta: Whether the meta is compared, which always differs between versions. The id never is.
    """
    left_out = {"id"} if with_meta else {"id", "meta"}
    one, other = ({key: value for key, value in each.items() if key not in left_out} for each in (old, new))
    return list(_object(one, other, new["resourceType"], new["resourceType"]))
