"""Occurrences: the values that an element has in an object.

https://hl7.org/fhir/R4/json.html
"""

from collections.abc import Callable, Sequence
from typing import Any

from fhir.profiles.discriminators import TYPE_OF_SUFFIX
from fhir.profiles.findings import Where
from fhir.profiles.walk import Occurrence, Value

Gather = Callable[[Value, Where], Sequence[Occurrence]]
"""Returns an element's occurrences in an object at a place."""


def gather(name: str, type_name: str) -> Gather:
    """Return what finds the occurrences of an element.

    Args:
        name: As definitions name it: `identifier`, `value[x]`.
        type_name: Its type, if it has only one.
    """
    if name.endswith("[x]"):
        return _chosen(name.removesuffix("[x]"))

    def named(around: Value, where: Where) -> Sequence[Occurrence]:
        return _of(around, name, where, type_name)

    return named


def _chosen(stem: str) -> Gather:
    size = len(stem)

    def find(around: Value, where: Where) -> Sequence[Occurrence]:
        for key in around:
            bare = key.lstrip("_")
            if bare.startswith(stem) and (kind := TYPE_OF_SUFFIX.get(bare[size:])):
                return _of(around, bare, where, kind)
        return ()

    return find


def _of(around: Value, name: str, where: Where, type_name: str) -> Sequence[Occurrence]:
    value, beside = around.get(name), around.get(f"_{name}")
    if value is None and beside is None:
        return ()
    if value.__class__ is not list and beside.__class__ is not list:
        return (Occurrence(value, beside, (where, name, -1), _type(value, type_name)),)
    values, besides = value or [], beside or []
    count = max(len(values), len(besides))
    return [
        Occurrence(_at(values, n), _at(besides, n), (where, name, n), _type(_at(values, n), type_name))
        for n in range(count)
    ]


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _type(value: Any, stated: str) -> str:
    return str(value.get("resourceType", stated)) if value.__class__ is dict else stated
