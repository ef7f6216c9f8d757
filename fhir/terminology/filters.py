"""Filters of `ValueSet.compose`: which concepts of a code system have a property as asked.

https://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from fhir.errors import InvalidValue
from fhir.terminology.code_system import CodeSystem
from fhir.terminology.pattern import Pattern

_CODE = frozenset({"concept", "code"})
Values = Iterator[tuple[int, list[Any]]]


class UnknownFilter(Exception):
    """What a filter asks cannot be told here; the text says why."""


def _listed(text: str) -> set[str]:
    return {one.strip() for one in text.split(",")}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.get("code", "")) if isinstance(value, dict) else str(value)


def _values(system: CodeSystem, name: str) -> Values:
    """Yield the concepts that have a property, with its values."""
    if name in _CODE:
        yield from ((number, [system.codes[number]]) for number in range(len(system)))
    elif name == "display":
        yield from ((number, [system.displays[number]]) for number in range(len(system)) if system.displays[number])
    elif name in ("parent", "child"):
        step = system.parents if name == "parent" else system.children
        yield from (
            (number, [system.codes[one] for one in found]) for number in range(len(system)) if (found := step(number))
        )
    else:
        yield from system.with_property(name)


def _having(system: CodeSystem, name: str, test: Callable[[str], bool]) -> Iterable[int]:
    return (number for number, values in _values(system, name) if any(test(_text(one)) for one in values))


def _root(system: CodeSystem, name: str, value: str) -> int:
    if name not in _CODE:
        raise UnknownFilter(f"the property {name} has no hierarchy")
    found = system.find(value)
    if found is None:
        raise UnknownFilter(f"{system.url} has no code {value}")
    return found


def _below(system: CodeSystem, name: str, value: str) -> set[int]:
    return system.descendants(_root(system, name, value))


def _without(system: CodeSystem, left_out: Iterable[int]) -> Iterable[int]:
    return set(range(len(system))).difference(left_out)


def _equal(system: CodeSystem, name: str, value: str) -> Iterable[int]:
    if name in _CODE:
        found = system.find(value)
        return [] if found is None else [found]
    # Publishers write TRUE for a boolean, and the codes of statuses in either case.
    folded = value.casefold()
    return _having(system, name, lambda one: one.casefold() == folded)


def _exists(system: CodeSystem, name: str, value: str) -> Iterable[int]:
    there = [number for number, _ in _values(system, name)]
    return there if value == "true" else _without(system, there)


def _regex(system: CodeSystem, name: str, value: str) -> Iterable[int]:
    try:
        pattern = Pattern(value)
    except InvalidValue as error:
        raise UnknownFilter(error.diagnostics) from error
    return _having(system, name, pattern.matches)


def _is_a(system: CodeSystem, name: str, value: str) -> Iterable[int]:
    return {_root(system, name, value), *_below(system, name, value)}


def _generalizes(system: CodeSystem, name: str, value: str) -> Iterable[int]:
    root = _root(system, name, value)
    return {root, *system.ancestors(root)}


def _in(system: CodeSystem, name: str, value: str) -> Iterable[int]:
    return _having(system, name, _listed(value).__contains__)


_OPERATORS: Mapping[str, Callable[[CodeSystem, str, str], Iterable[int]]] = {
    "=": _equal,
    "is-a": _is_a,
    "descendent-of": _below,
    "is-not-a": lambda system, name, value: _without(system, _is_a(system, name, value)),
    "regex": _regex,
    "in": _in,
    "not-in": lambda system, name, value: _without(system, _in(system, name, value)),
    "generalizes": _generalizes,
    "exists": _exists,
}


def filtered(system: CodeSystem, rules: Sequence[Mapping[str, Any]]) -> "array[int]":
    """Return the numbers of the concepts that every rule keeps, in ascending order.

    Raises:
        UnknownFilter: a rule asks what cannot be told here.
    """
    kept: set[int] | None = None
    declared = {"display", "parent", "child", *_CODE, *(one["code"] for one in system.declared)}
    for rule in rules:
        if system.content != "complete" and rule.get("property") not in declared:
            raise UnknownFilter(f"what is known of it has no property {rule.get('property')}")
        operator = _OPERATORS.get(rule.get("op", ""))
        if operator is None:
            raise UnknownFilter(f"the filter {rule.get('op')} is not known")
        found = set(operator(system, str(rule.get("property", "")), str(rule.get("value", ""))))
        kept = found if kept is None else kept & found
    return array("I", sorted(kept or ()))
