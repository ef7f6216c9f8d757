"""What a search asks of a resource: criteria on its own values, on what it refers to, and on what refers to it.

https://hl7.org/fhir/R4/search.html#chaining, https://hl7.org/fhir/R4/search.html#has
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from fhir.search.values import Value
from fhir.spec.search_parameters import SearchParameter


@dataclass(frozen=True, slots=True)
class Criterion:
    """What resources must fulfil: one of the values (or, with a modifier, what it makes of them).

    Attributes:
        parameter: Which index rows are meant.
        modifier: `missing`, `exact`, `contains`, `not`, `text`, a resource type and so on, or None.
        values: Alternatives, at least one.
        plans: What planning made of it, by its place in the query; criteria that come again are kept.
    """

    parameter: SearchParameter
    modifier: str | None
    values: tuple[Value, ...]
    plans: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """A resource must refer to one that exists and fulfils what is asked of its type.

    Attributes:
        parameter: The reference that is followed.
        branches: The types that it may lead to, and what is asked of a resource of each.
        plans: As in `Criterion`.
    """

    parameter: SearchParameter
    branches: tuple[tuple[str, "Asked"], ...]
    plans: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Has:
    """A resource must be referred to by one that exists and fulfils what is asked.

    Attributes:
        parameter: The reference by which it is referred to; its base is the type of what refers.
        inner: What is asked of the resource that refers.
        plans: As in `Criterion`.
    """

    parameter: SearchParameter
    inner: "Asked"
    plans: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Element:
    """One element of several must fulfil all the parts; what a criterion without values asks is to be there.

    Attributes:
        parts: The number under which the values of a part are indexed, and what is asked of them.
        plans: As in `Criterion`.
    """

    parts: tuple[tuple[int, Criterion], ...]
    plans: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Logic:
    """All of the parts must hold, or any of them, or (of a single one) it must not."""

    operator: Literal["and", "or", "not"]
    parts: tuple["Asked", ...]
    plans: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)


Asked = Union[Criterion, Chain, Has, Element, Logic]  # noqa: UP007 - the classes name each other


def any_of(parts: Sequence[Asked]) -> Asked:
    """Return what asks for any of the parts."""
    return parts[0] if len(parts) == 1 else Logic("or", tuple(parts))


def criteria(asked: Asked) -> Iterator[Criterion]:
    """Yield the criteria on values inside, however deep."""
    if isinstance(asked, Criterion):
        yield asked
        return
    for part in _inside(asked):
        yield from criteria(part)


def _inside(asked: Chain | Has | Element | Logic) -> tuple[Asked, ...]:
    if isinstance(asked, Element):
        return tuple(part for _, part in asked.parts)
    if isinstance(asked, Chain):
        return tuple(inner for _, inner in asked.branches)
    return (asked.inner,) if isinstance(asked, Has) else asked.parts


def nesting(asked: Asked) -> int:
    """Return how deep conditions lie in each other; SQLite reads no statement of any depth."""
    if isinstance(asked, Criterion):
        return 0
    own = 2 if isinstance(asked, Chain | Has) else 1
    return own + max(map(nesting, _inside(asked)))


def steps(asked: Asked) -> int:
    """Return how many references are followed: a search looks at another resource for each."""
    if isinstance(asked, Criterion):
        return 0
    own = len(asked.branches) if isinstance(asked, Chain) else int(isinstance(asked, Has))
    return own + sum(steps(part) for part in _inside(asked))
