"""Members of a JSON object: one value or an array, and primitives with ids and extensions beside them.

https://hl7.org/fhir/R4/json.html#primitive
"""

from collections.abc import Callable
from typing import Any

from fhir.profiles.findings import Findings, Where
from fhir.profiles.primitives import Fault, Test, json_name

Check = Callable[[Any, Where, int, Findings], None]
"""Looks at a value at a place and a JSON depth, and adds what it finds."""

Member = Callable[[dict[str, Any], str, Where, int, Findings], None]
"""Looks at the member of that name of an object at a place and a JSON depth."""

_NULL = "null may stand in an array of primitives only where the other array of the pair has a value."
_UNEVEN = "The array of values and the array of their ids and extensions must have the same length."
ELE_1 = "ele-1: All FHIR elements must have a @value or children"
"""What an element that is empty, or has an id only, is told."""


def one(check: Check) -> Member:
    """Return the look at an object."""

    def member(around: dict[str, Any], name: str, where: Where, depth: int, findings: Findings) -> None:
        check(around[name], (where, name, -1), depth + 1, findings)

    return member


def many(check: Check) -> Member:
    """Return the look at an array of objects."""

    def member(around: dict[str, Any], name: str, where: Where, depth: int, findings: Findings) -> None:
        items = around[name]
        if items.__class__ is not list or not items:
            findings.add((where, name, -1), *_not_filled(items))
            return
        depth += 2
        for index, item in enumerate(items):
            check(item, (where, name, index), depth, findings)

    return member


def values(test: Test) -> Member:
    """Return the look at an array of primitives, in which null marks a value that has only extensions."""

    def member(around: dict[str, Any], name: str, where: Where, _: int, findings: Findings) -> None:
        items = around[name]
        if items.__class__ is not list or not items:
            findings.add((where, name, -1), *_not_filled(items))
            return
        for index, item in enumerate(items):
            if item is None and _filled(around.get(f"_{name}"), index):
                continue
            if (fault := test(item)) is not None:
                findings.add((where, name, index), *(fault if item is not None else ("structure", _NULL)))

    return member


def sibling(check: Check) -> Member:
    """Return the look at a primitive's id and extensions, `_birthDate`."""

    def member(around: dict[str, Any], name: str, where: Where, depth: int, findings: Findings) -> None:
        item, place = around[name], (where, name[1:], -1)
        check(item, place, depth + 1, findings)
        if name[1:] not in around and _lone_id(item):
            findings.add(place, "invariant", ELE_1)

    return member


def siblings(check: Check) -> Member:
    """Return the look at the ids and extensions of an array of primitives, `_given`."""

    def member(around: dict[str, Any], name: str, where: Where, depth: int, findings: Findings) -> None:
        items, beside = around[name], around.get(name[1:])
        if items.__class__ is not list or not items:
            findings.add((where, name, -1), *_not_filled(items))
            return
        if beside.__class__ is list and len(beside) != len(items):
            findings.add((where, name, -1), "structure", _UNEVEN)
        for index, item in enumerate(items):
            if item is not None:
                check(item, (where, name[1:], index), depth + 2, findings)
                if not _filled(beside, index) and _lone_id(item):
                    findings.add((where, name[1:], index), "invariant", ELE_1)
            elif beside.__class__ is not list:
                findings.add((where, name, index), "structure", _NULL)

    return member


def _filled(items: object, index: int) -> bool:
    return isinstance(items, list) and index < len(items) and items[index] is not None


def _lone_id(item: object) -> bool:
    return isinstance(item, dict) and item.keys() == {"id"}


def _not_filled(items: object) -> Fault:
    if items == []:
        return ("structure", "An array must not be empty: leave the element out instead.")
    return ("structure", f"Expected an array, found {json_name(items)}.")
