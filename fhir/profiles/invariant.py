"""One invariant: a rule of the standard as a predicate over one element.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Value = dict[str, Any]


class Invariant(NamedTuple):
    """A rule about the instances of a type or backbone."""

    paths: tuple[str, ...]
    """The types or backbones it holds for: `Period`, `Patient.contact`."""
    human: str
    """The rule, in the standard's words."""
    holds: Callable[[Value], bool]
    """Whether an element follows it."""


def has(value: Value, *names: str) -> bool:
    """Return whether any of these elements is there, with a value or with extensions instead of one."""
    return any(name in value or f"_{name}" in value for name in names)


def needs(name: str, other: str) -> Callable[[Value], bool]:
    """Return the rule that `name` is there only with `other`."""
    return lambda value: not has(value, name) or has(value, other)


def any_of(*names: str) -> Callable[[Value], bool]:
    """Return the rule that one of these elements is there."""
    return lambda value: has(value, *names)


def not_both(name: str, other: str) -> Callable[[Value], bool]:
    """Return the rule that these two elements are not there together."""
    return lambda value: not (has(value, name) and has(value, other))
