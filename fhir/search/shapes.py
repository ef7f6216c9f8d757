"""From what is asked to its shape, which is all of it that changes the SQL, and the values of the binds.

Each part of a query has a label, which its binds and the aliases of its tables begin with.
"""

import time
from dataclasses import dataclass
from typing import Any, Literal, Union

from fhir.search.asked import Asked, Chain, Criterion, Has
from fhir.search.asked import criteria as criteria_of
from fhir.search.date import approximate
from fhir.search.hashing import hash64
from fhir.search.predicates import Shape, words_and_binds
from fhir.search.values import DateValue, MissingValue, TokenValue
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
class LogicShape:
    """Several conditions on one resource."""

    operator: Literal["and", "or", "not"]
    parts: tuple["AnyShape", ...]


AnyShape = Union[Shape, ChainShape, HasShape, LogicShape]  # noqa: UP007 - the classes name each other
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
    parts = [_plan(part, type_name, inside(label, n)) for n, part in enumerate(asked.parts)]
    return LogicShape(asked.operator, tuple(made for made, _ in parts)), _together(parts)


def _together(parts: list[Planned]) -> dict[str, Any]:
    return {name: value for _, binds in parts for name, value in binds.items()}


def _criterion(criterion: Criterion, type_name: str, label: str) -> Planned:
    parameter, values = criterion.parameter, criterion.values
    if isinstance(values[0], MissingValue):
        words: tuple[str, ...] = ("true" if values[0].missing else "false",)
        return Shape(parameter.id, parameter.type, parameter.code, "missing", words), {}
    if parameter.code == "_id":
        return _ids(criterion, type_name, label)
    if _is_of_today(criterion):
        now = time.time_ns() // 1000
        values = tuple(_as_of(value, now) if isinstance(value, DateValue) else value for value in values)
    words, binds = words_and_binds(values, label)
    return Shape(parameter.id, parameter.type, parameter.code, criterion.modifier, words), binds


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
