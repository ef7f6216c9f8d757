"""Composite search: values that belong together, because the same element says them.

Where the element is the resource itself, what its parts say is what other parameters say; where it is one of several,
each of its values has an index row that names the element.
https://hl7.org/fhir/R4/search.html#composite
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

from fhir.recurring import TYPES, Recurring
from fhir.search.accessor import accessor
from fhir.search.asked import Asked, Criterion, Element, Logic, any_of
from fhir.search.values import MissingValue, Value
from fhir.spec.search_parameters import Component, SearchParameter, parameters

Row = tuple[int, int, int, int, float, float]
"""Part number, element, hash (of a code, a target or a unit), hash of the system, lo, hi; 0 for what there is not."""

Extractor = Callable[[Any], Iterable[tuple[Any, ...]]]

Extractors = Mapping[str, Mapping[str, Extractor]]

_IN_RESOURCE = "%resource "

_RECURRING = frozenset(f":{type_}" for type_ in TYPES)

_ToRow = Callable[..., tuple[int, int, float, float]]

_TO_ROW: Mapping[str, _ToRow] = {
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


Values = tuple[tuple[int, int, float, float], ...]
"""What the rows of a part say: hash, hash of the system, lo, hi."""

_FOUND: Recurring[Values] = Recurring()


def _reader(path: str, find: Callable[[Any], Values]) -> Callable[[dict[str, Any]], Values]:
    """Return what reads the values at a path; where only one key leads there, those that recur are looked at once."""
    key, _, rest = path.partition(" ")
    if rest not in _RECURRING:
        values = accessor(path)
        return lambda element: tuple([row for value in values(element) for row in find(value)])
    once = _FOUND.once(find)

    def read(element: dict[str, Any]) -> Values:
        value = element.get(key)
        if value is None:
            return ()
        return tuple([row for one in value for row in once(one)]) if type(value) is list else once(value)

    return read


Read = Callable[[dict[str, Any]], list[Row]]
"""From a resource to the rows of the elements that composites speak of."""

_ReadPart = tuple[int, bool, Callable[[dict[str, Any]], Values]]
"""The number of the part, whether it is read off the resource, and how."""


def _read_parts(parts: Iterable[_Part], extractors: Extractors) -> list[_ReadPart]:
    return [
        (
            part.number,
            path.startswith(_IN_RESOURCE),
            _reader(path.removeprefix(_IN_RESOURCE), partial(_values, _TO_ROW[part.type], extractor)),
        )
        for part in parts
        for path in part.paths
        if (extractor := extractors[part.type].get(path.rpartition(":")[2])) is not None
    ]


def _values(to_row: _ToRow, extractor: Extractor, value: Any) -> Values:
    return tuple([to_row(*row) for row in extractor(value)])


def _of_elements(resource: dict[str, Any], elements: Iterable[tuple[int, Any]], parts: list[_ReadPart]) -> list[Row]:
    return [
        (part, number, *value)
        for number, element in elements
        if type(element) is dict
        for part, of_resource, read in parts
        for value in read(resource if of_resource else element)
    ]


def reader_of_own(parameter: SearchParameter, extractors: Extractors) -> Read:
    """Return what reads the rows of a composite of the hub's own; its parts share none with others.

    Args:
        parameter: The composite.
        extractors: By parameter type and FHIR type.
    """
    known = parameters(parameter.base)
    parts = [_Part(part.number, known[part.code].type, part.paths) for part in parameter.components]
    read_parts = _read_parts(parts, extractors)
    places = [(path.partition(" ")[0], accessor(path)) for path in parameter.paths if not _is_root(path)]

    def read(resource: dict[str, Any]) -> list[Row]:
        elements = [one for key, find in places if key in resource for one in find(resource) if type(one) is dict]
        return _of_elements(resource, enumerate(elements, start=1), read_parts)

    return read


def reader(type_name: str, extractors: Extractors) -> Read:
    """Return what reads the rows of R4's composites off a resource of a type.

    Args:
        type_name: The type.
        extractors: By parameter type and FHIR type.
    """
    places = [(key, find, _read_parts(parts, extractors)) for key, find, parts in _elements(type_name)]

    def read(resource: dict[str, Any]) -> list[Row]:
        found: list[Row] = []
        before = 0
        for key, find, parts in places:
            if key in resource:
                elements = find(resource)
                found += _of_elements(resource, enumerate(elements, start=before + 1), parts)
                before += len(elements)
        return found

    return read


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
