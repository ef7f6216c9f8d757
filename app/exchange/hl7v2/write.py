"""Messages of HL7 2 written: answers, and what is exported.

HL7 2.5 section 2.6 and 2.7.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from app.exchange.hl7v2.separators import STANDARD, Separators, escape

Component: TypeAlias = str | tuple[str, ...]
"""A text, or the texts of its subcomponents."""
Components: TypeAlias = str | tuple[Component, ...]
"""One repetition: a text, or its components."""
Field: TypeAlias = Components | list[Components]
"""One repetition, or a list of them."""
Line: TypeAlias = Sequence[Field]
"""A segment's name, then its fields from 1."""


def segment(name: str, fields: Mapping[int, Field]) -> Line:
    """Return a segment of the fields given by number; those between them are empty."""
    line: list[Field] = [name]
    line.extend(fields.get(number, "") for number in range(1, max(fields, default=0) + 1))
    return line


def write(lines: Iterable[Line], separators: Separators = STANDARD) -> str:
    """Return a message as text, each segment ended by a carriage return.

    Args:
        lines: Its segments. In MSH the fields are given from 3 on, after two that are not looked at.
        separators: The characters that take it apart.
    """
    return "".join(f"{_line(each, separators)}\r" for each in lines)


def _line(line: Line, separators: Separators) -> str:
    name = str(line[0])
    if name == "MSH":
        first = [name, separators.entities[1:]]
        rest = line[3:]
    else:
        first, rest = [name], line[1:]
    return _joined(separators.field, [*first, *(_field(each, separators) for each in rest)])


def _field(field: Field, separators: Separators) -> str:
    repetitions = field if isinstance(field, list) else [field]
    return separators.repetition.join(_repetition(each, separators) for each in repetitions)


def _repetition(repetition: Components, separators: Separators) -> str:
    if isinstance(repetition, str):
        return _component(repetition, separators)
    return _joined(separators.component, [_component(each, separators) for each in repetition])


def _component(component: Component, separators: Separators) -> str:
    if isinstance(component, str):
        return escape(component, separators)
    return _joined(separators.subcomponent, [escape(each, separators) for each in component])


def _joined(separator: str, parts: list[str]) -> str:
    """Return parts put together, without the separators of those at the end that are empty."""
    return separator.join(parts).rstrip(separator)
