"""From what is asked to its shape, which is all of it that changes the SQL, and the values of the binds.

Each part of a query has a label, which its binds and the aliases of its tables begin with.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Union

from fhir.search.asked import Asked, Chain, Criterion, Element, Has
from fhir.search.asked import criteria as criteria_of
from fhir.search.content import number_of
from fhir.search.criterion import FULL_TEXT
from fhir.search.date import approximate
from fhir.search.extract import text_numbers
from fhir.search.hashing import hash64
from fhir.search.predicates import Shape, words_and_binds
from fhir.search.values import DateValue, MissingValue, TokenValue
from fhir.spec.search_parameters import SearchParameter
from fhir.store.types import NUMBERS


@dataclass(frozen=True, slots=True)
class ChainShape:
    """A reference that is followed, by the number of the type it leads to."""

    parameter: int
    branches: tuple[tuple[int, "AnyShape"], ...]


@dataclass(frozen=True, slots=True)
class HasShape:
    """A reference that is followed backwards, to resources of a type."""

    parameter: int
    type: int
    inner: "AnyShape"


@dataclass(frozen=True, slots=True)
class ElementShape:
    """What one element must fulfil; the parameters of the parts are the numbers that they are indexed under."""

    parts: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class LogicShape:
    """Several conditions on one resource."""

    operator: Literal["and", "or", "not"]
    parts: tuple["AnyShape", ...]


def size(shape: "AnyShape") -> int:
    """Return how many conditions a shape makes, one for each step of its chains."""
    if isinstance(shape, ChainShape):
        return 1 + sum(size(inner) for _, inner in shape.branches)
    if isinstance(shape, HasShape):
        return 1 + size(shape.inner)
    if isinstance(shape, LogicShape):
        return sum(map(size, shape.parts))
    return len(shape.parts) if isinstance(shape, ElementShape) else 1


AnyShape = Union[Shape, ChainShape, HasShape, ElementShape, LogicShape]  # noqa: UP007 - the classes name each other
Planned = tuple[AnyShape, dict[str, Any]]


def inside(label: str, part: int) -> str:
    """Return the label of a part of what has `label`."""
    return f"{label}x{part}"


def planned(asked: Asked, type_name: str, label: str) -> Planned:
    """Return the shape of what is asked of a type, and the values of its binds; kept with what is asked."""
    key = (type_name, label)
    kept: Planned | None = asked.plans.get(key)
    if kept is None:
        kept = _plan(asked, type_name, label)
        if not any(_is_of_today(one) for one in criteria_of(asked)):
            asked.plans[key] = kept
    return kept


def _is_of_today(criterion: Criterion) -> bool:
    """Return whether what a criterion means depends on the moment."""
    return any(isinstance(value, DateValue) and value.prefix == "ap" for value in criterion.values)


def _plan(asked: Asked, type_name: str, label: str) -> Planned:
    if isinstance(asked, Criterion):
        return _criterion(asked, type_name, label)
    if isinstance(asked, Chain):
        parts = [_plan(part, target, inside(label, n)) for n, (target, part) in enumerate(asked.branches)]
        targets = [NUMBERS[target] for target, _ in asked.branches]
        shapes = tuple(zip(targets, [made for made, _ in parts], strict=True))
        return ChainShape(asked.parameter.id, shapes), _together(parts)
    if isinstance(asked, Has):
        made, binds = _plan(asked.inner, asked.parameter.base, inside(label, 0))
        return HasShape(asked.parameter.id, NUMBERS[asked.parameter.base], made), binds
    if isinstance(asked, Element):
        return _element(asked, label)
    parts = [_plan(part, type_name, inside(label, n)) for n, part in enumerate(asked.parts)]
    return LogicShape(asked.operator, tuple(made for made, _ in parts)), _together(parts)


def _element(element: Element, label: str) -> Planned:
    shapes: list[Shape] = []
    binds: dict[str, Any] = {}
    for n, (number, part) in enumerate(element.parts):
        words, bound = words_and_binds(part.values, inside(label, n))
        shapes.append(Shape(number, part.parameter.type, part.parameter.code, None, words))
        binds |= bound
    return ElementShape(tuple(shapes)), binds


def _together(parts: Sequence[Planned]) -> dict[str, Any]:
    return {name: value for _, binds in parts for name, value in binds.items()}


def _criterion(criterion: Criterion, type_name: str, label: str) -> Planned:
    parameter, values = criterion.parameter, criterion.values
    if parameter.code in FULL_TEXT:
        return _full_text(criterion, type_name, label)
    if values and isinstance(values[0], MissingValue):
        return _missing(parameter, is_missing=values[0].missing), {}
    if parameter.code == "_id":
        return _ids(criterion, type_name, label)
    if _is_of_today(criterion):
        now = time.time_ns() // 1000
        values = tuple(_as_of(value, now) if isinstance(value, DateValue) else value for value in values)
    if criterion.modifier == "text":
        return _text(criterion, label)
    words, binds = words_and_binds(values, label)
    type_ = _TYPES.get((parameter.type, criterion.modifier), parameter.type)
    return Shape(parameter.id, type_, parameter.code, criterion.modifier, words), binds


_TYPES = {("reference", "identifier"): "token", ("special", None): "near"}
"""Where the values of a criterion are indexed, by the parameter's type and modifier, if not under its type."""


def _missing(parameter: SearchParameter, *, is_missing: bool) -> AnyShape:
    """Return the shape of `:missing`: a code that is a text only, and a reference by identifier only, are there too."""
    others = [(number, "text") for number in text_numbers(parameter)]
    others += [(parameter.id, "token")] if parameter.type == "reference" else []
    words = ("true" if is_missing else "false",)
    type_ = _TYPES.get((parameter.type, None), parameter.type)
    own = Shape(parameter.id, type_, parameter.code, "missing", words)
    if not others or parameter.code == "_id":
        return own
    parts = (own, *(Shape(number, kind, parameter.code, "missing", words) for number, kind in others))
    return LogicShape("and" if is_missing else "or", parts)


def _text(criterion: Criterion, label: str) -> Planned:
    """Return the shape of `:text`, one part for each number that texts of the parameter are under."""
    parts: list[Planned] = []
    for n, number in enumerate(text_numbers(criterion.parameter)):
        words, binds = words_and_binds(criterion.values, inside(label, n))
        parts.append((Shape(number, "text", criterion.parameter.code, "text", words), binds))
    return LogicShape("or", tuple(made for made, _ in parts)), _together(parts)


def _full_text(criterion: Criterion, type_name: str, label: str) -> Planned:
    """Return the shape of `_text` or `_content`."""
    number, code, first = number_of(type_name), criterion.parameter.code, criterion.values[0]
    if isinstance(first, MissingValue):
        return Shape(number, "fulltext", code, "missing", ("true" if first.missing else "false",)), {}
    words, binds = words_and_binds(criterion.values, label)
    return Shape(number, "fulltext", code, None, words), binds


def _as_of(value: DateValue, now: int) -> DateValue:
    """Return `value`; with the prefix `ap` as wide as it is at the moment `now`."""
    return DateValue("ap", *approximate(value, now)) if value.prefix == "ap" else value


def _ids(criterion: Criterion, type_name: str, label: str) -> Planned:
    """Return the shape of a criterion on the id, which has no index rows."""
    binds: dict[str, Any] = {}
    for alternative, value in enumerate(criterion.values):
        code = value.code if isinstance(value, TokenValue) else None
        binds[f"c{label}_{alternative}_id"] = code or ""
        binds[f"c{label}_{alternative}_hash"] = hash64(f"{type_name}/{code}")
    return Shape(criterion.parameter.id, "token", "_id", criterion.modifier, ("id",) * len(criterion.values)), binds
