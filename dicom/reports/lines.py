"""A report as lines: headings, texts, coded values and measurements with units, as deep as they lie."""

from collections.abc import Iterator
from dataclasses import dataclass

from dicom.concept import NO_CODE, Code
from dicom.reports.content import Item, Reference, Report

CONTEXT = "HAS OBS CONTEXT"
"""The relationship of what says who observed whom, and in which procedure."""

_MODIFIERS = ("HAS CONCEPT MOD", "HAS ACQ CONTEXT")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a report."""

    depth: int
    heading: Code
    value: str = ""
    code: Code = NO_CODE
    """In place of a value, or its reason for being absent."""
    unit: str = ""
    references: tuple[Reference, ...] = ()
    is_section: bool = False
    is_context: bool = False
    """Whether it says who observed whom, not what was found."""


def lines(report: Report) -> list[Line]:
    """Return what is in a report, in its order, without its title."""
    return [line for one in report.root.items for line in _lines(one, 0, context=False)]


def _lines(item: Item, depth: int, *, context: bool) -> Iterator[Line]:
    context = context or item.relationship == CONTEXT
    is_section = item.value_type == "CONTAINER"
    if item.concept or item.value or item.code or item.references:
        yield Line(
            depth=depth,
            heading=item.concept,
            value=item.value,
            code=item.code,
            unit=shown_unit(item.unit),
            references=item.references,
            is_section=is_section,
            is_context=context,
        )
        depth += 1
    for one in item.items:
        yield from _lines(one, depth, context=context)


def shown_unit(unit: Code) -> str:
    """Return a unit as it is written beside a number: a UCUM code, or else the words for it; 1 is no unit."""
    found = unit.value if unit.scheme == "UCUM" or not unit.meaning else unit.meaning
    return "" if found in ("1", "no units", "{ratio}") else found


def plain(report: Report) -> str:
    """Return what a report says as text: a line each, without who observed."""
    found = [report.title]
    for line in lines(report):
        if line.is_context:
            continue
        value = line.value or line.code.meaning or line.code.value
        said = " ".join(part for part in (value, line.unit) if part)
        heading = line.heading.meaning or line.heading.value
        if said or line.is_section:
            found.append(f"{heading}: {said}" if heading and said else heading or said)
    return "\n".join(one for one in found if one)


def conclusion(report: Report) -> str:
    """Return the texts of what a report concludes, a line each: its impressions and conclusions (CID 7002 and 7003)."""
    return "\n".join(dict.fromkeys(one for one in _concluded(report.root, inside=False) if one))


_CONCLUDING = {("DCM", "121073"), ("DCM", "121072"), ("DCM", "121077"), ("DCM", "121076"), ("LN", "19005-8")}
"""Impression, Impressions, Conclusion, Conclusions, and the section of LOINC."""


def _concluded(item: Item, *, inside: bool) -> Iterator[str]:
    inside = inside or (item.concept.scheme, item.concept.value) in _CONCLUDING
    if inside and item.value_type == "TEXT" and item.relationship not in (*_MODIFIERS, CONTEXT):
        yield item.value
    elif inside and item.value_type == "CODE":
        yield item.code.meaning
    for one in item.items:
        yield from _concluded(one, inside=inside)
