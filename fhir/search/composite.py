"""Composite search: values that belong together, because the same element says them.

Where the element is the resource itself, what its parts say is what other parameters say; where it is one of several,
each of its values has an index row that names the element.
https://hl7.org/fhir/R4/search.html#composite
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from fhir.search.accessor import accessor
from fhir.search.asked import Asked, Criterion, Element, Logic, any_of
from fhir.search.values import MissingValue, Value
from fhir.spec.search_parameters import Component, SearchParameter, parameters

Row = tuple[int, int, int, int, float, float]
"""Part number, element, hash (of a code, a target or a unit), hash of the system, lo, hi; 0 for what there is not."""

Extractors = Mapping[str, Mapping[str, Callable[[Any], Iterable[tuple[Any, ...]]]]]

_IN_RESOURCE = "%resource "

_TO_ROW: Mapping[str, Callable[..., tuple[int, int, float, float]]] = {
    "token": lambda code, system: (code, system, 0.0, 0.0),
    "reference": lambda target: (target, 0, 0.0, 0.0),
    "quantity": lambda unit, low, high: (unit, 0, low, high),
    "number": lambda low, high: (0, 0, low, high),
}
"""From the values of an index row of each type to those of a composite's."""

IN_ELEMENTS = frozenset(_TO_ROW)
"""The types that parts of an element may have; those of the resource itself may have any."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of an element that is indexed.

    Attributes:
        number: That of its rows: of the first parameter that reads the same.
        type: How its values compare.
        paths: From the element to the values, or from the resource.
    """

    number: int
    type: str
    paths: tuple[str, ...]


def _is_root(path: str) -> bool:
    return path.startswith(":")


def _composites(type_name: str) -> list[SearchParameter]:
    return [one for one in parameters(type_name).values() if one.type == "composite"]


@cache
def _numbers(type_name: str) -> Mapping[tuple[str, tuple[str, ...]], int]:
    """Return the number of each part by the path of its element and its own; those that read the same share it."""
    known = parameters(type_name)
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for one in _composites(type_name):
        for path in one.paths:
            for part in one.components:
                key = (path, part.paths)
                found[key] = min(found.get(key, 2**31), known[part.code].id)
    return found


def part_numbers(type_name: str) -> tuple[int, ...]:
    """Return the numbers of the index rows of a type's composites."""
    return tuple(dict.fromkeys(number for (path, _), number in _numbers(type_name).items() if not _is_root(path)))


@cache
def _elements(type_name: str) -> tuple[tuple[str, Callable[[dict[str, Any]], list[Any]], tuple[_Part, ...]], ...]:
    """Return the elements that composites speak of: their key in the resource, how to get at them, their parts."""
    parts: dict[str, dict[int, _Part]] = {}
    for one in _composites(type_name):
        for path in one.paths:
            if not _is_root(path):
                for component in one.components:
                    part = _part(type_name, path, component)
                    parts.setdefault(path, {})[part.number] = part
    return tuple((path.partition(" ")[0], accessor(path), tuple(known.values())) for path, known in parts.items())


def _part(type_name: str, path: str, component: Component) -> _Part:
    number = _numbers(type_name)[path, component.paths]
    return _Part(number, parameters(type_name)[component.code].type, component.paths)


@lru_cache(maxsize=1024)
def _readers(paths: tuple[str, ...]) -> tuple[tuple[bool, str, Callable[[dict[str, Any]], list[Any]]], ...]:
    """Return for each path whether it begins at the resource, its FHIR type, and how to get at its values."""
    return tuple(
        (path.startswith(_IN_RESOURCE), path.rpartition(":")[2], accessor(path.removeprefix(_IN_RESOURCE)))
        for path in paths
    )


def own_rows(resource: dict[str, Any], parameter: SearchParameter, extractors: Extractors) -> list[Row]:
    """Return the rows of the elements that a composite of the hub's own speaks of; its parts share none with others.

    Args:
        resource: Parsed JSON.
        parameter: The composite.
        extractors: By parameter type and FHIR type.
    """
    known = parameters(parameter.base)
    parts = [_Part(part.number, known[part.code].type, part.paths) for part in parameter.components]
    elements = [
        element
        for path in parameter.paths
        if not _is_root(path) and path.partition(" ")[0] in resource
        for element in _at_path(path)(resource)
        if type(element) is dict
    ]
    return [
        (part.number, number, *value)
        for number, element in enumerate(elements, start=1)
        for part in parts
        for value in _values(resource, element, part, extractors[part.type])
    ]


_at_path = lru_cache(maxsize=256)(accessor)


def rows(resource: dict[str, Any], type_name: str, extractors: Extractors) -> list[Row]:
    """Return the rows of the elements of a resource that R4's composites speak of.

    Args:
        resource: Parsed JSON.
        type_name: Its type.
        extractors: By parameter type and FHIR type.
    """
    found: list[Row] = []
    element_number = 0
    for key, elements, parts in _elements(type_name):
        if key not in resource:
            continue
        for element in elements(resource):
            element_number += 1
            if type(element) is not dict:
                continue
            for part in parts:
                values = _values(resource, element, part, extractors[part.type])
                found += [(part.number, element_number, *value) for value in values]
    return found


def _values(
    resource: dict[str, Any], element: dict[str, Any], part: _Part, extractors: Mapping[str, Callable[[Any], Any]]
) -> list[tuple[int, int, float, float]]:
    to_row = _TO_ROW[part.type]
    return [
        to_row(*row)
        for in_resource, element_type, values in _readers(part.paths)
        if element_type in extractors
        for value in values(resource if in_resource else element)
        for row in extractors[element_type](value)
    ]


def asked(parameter: SearchParameter, values: Sequence[Value]) -> Asked:
    """Return what one alternative of a composite asks: all its values of one element.

    Args:
        parameter: The composite.
        values: One for each of its components.
    """
    return any_of([_at(parameter, path, [(value,) for value in values]) for path in parameter.paths])


def missing(parameter: SearchParameter, is_missing: bool) -> Asked:
    """Return what asks whether no element has all parts of a composite, or one has."""
    there = any_of([_at(parameter, path, [() for _ in parameter.components]) for path in parameter.paths])
    return Logic("not", (there,)) if is_missing else there


def _at(parameter: SearchParameter, path: str, values: Sequence[tuple[Value, ...]]) -> Asked:
    """Return what is asked of the element at one of the composite's places."""
    known = parameters(parameter.base)
    if _is_root(path):
        parts = zip(parameter.components, values, strict=True)
        return Logic("and", tuple(_of_resource(_reading(parameter.base, part), one) for part, one in parts))
    numbers = [part.number or _numbers(parameter.base)[path, part.paths] for part in parameter.components]
    criteria = [Criterion(known[p.code], None, one) for p, one in zip(parameter.components, values, strict=True)]
    return Element(tuple(zip(numbers, criteria, strict=True)))


def _of_resource(parameter: SearchParameter, values: tuple[Value, ...]) -> Criterion:
    if values:
        return Criterion(parameter, None, values)
    return Criterion(parameter, "missing", (MissingValue(missing=False),))


@lru_cache(maxsize=1024)
def _reading(type_name: str, component: Component) -> SearchParameter:
    """Return the parameter of R4 that reads off the resource what a component does, and as little else as possible.

    `value-string` reads the text of a concept as well: R4 has none that reads the string alone.

    Raises:
        ValueError: There is none.
    """
    known = parameters(type_name)
    same_type = [one for one in known.values() if one.type == known[component.code].type]
    return min((one for one in same_type if set(component.paths) <= set(one.paths)), key=lambda one: len(one.paths))


def is_read(type_name: str, component: Component) -> bool:
    """Return whether a parameter of R4 reads off the resource what a component does."""
    try:
        _reading(type_name, component)
    except ValueError:
        return False
    return True
