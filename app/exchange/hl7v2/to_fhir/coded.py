"""Coded values: CE and CWE as CodeableConcept; an unknown code keeps its text.

HL7 2.5 section 2.A.3, 2.A.13.
"""

from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import EXCHANGE_CODE, KEY_NUMBER, TERMINOLOGY


def coding(code: str, display: str, name: str, source: Source) -> dict[str, str]:
    """Return a Coding; the members that are empty are left out."""
    code = " ".join(code.split())
    system = source.system_of(name)
    if system == KEY_NUMBER and not (len(code) == 8 and code.isdigit()):
        system = EXCHANGE_CODE
    made = {}
    if system:
        made["system"] = system
    if code:
        made["code"] = code
    if display:
        made["display"] = display
    return made


def concept(value: Repetition, source: Source) -> dict[str, Any]:
    """Return a CodeableConcept of a code, its alternate and its text; empty for nothing; shared, not to be changed."""
    return source.remembered("concept", value, _concept)


def with_codings(made: dict[str, Any], *codings: dict[str, Any]) -> dict[str, Any]:
    """Return a CodeableConcept that has further codings."""
    return {**made, "coding": [*made.get("coding", []), *codings]} if codings else made


def _concept(value: Repetition, source: Source) -> dict[str, Any]:
    codings = []
    for first in (1, 4):
        code, display, name = (value.text(first + place) for place in range(3))
        if code and name:
            codings.append(coding(code, display, name, source))
    text = value.text(9) or value.text(2) or value.text(5) or value.text(1) or value.text(4) or value.shown()
    made: dict[str, Any] = {}
    if codings:
        made["coding"] = codings
    if text:
        made["text"] = text
    return made


def concept_of(segment: Segment, field: int, source: Source) -> dict[str, Any]:
    """Return the first repetition of a field as a CodeableConcept; empty where there is none."""
    found = segment.repetitions(field)
    return concept(found[0], source) if found else {}


def of_components(parts: tuple[str, str, str], source: Source) -> dict[str, Any]:
    """Return a CodeableConcept of a code, a text and the name of its system; empty for nothing."""
    code, display, name = parts
    made: dict[str, Any] = {}
    if code and name:
        made["coding"] = [coding(code, display, name, source)]
    if display or code:
        made["text"] = display or code
    return made


def hl7(name: str, code: str, display: str = "") -> dict[str, Any]:
    """Return a CodeableConcept of a code system of HL7's own, by its last word."""
    made = {"system": f"{TERMINOLOGY}{name}", "code": code}
    return {"coding": [{**made, "display": display} if display else made]}


def identity(value: Repetition) -> str:
    """Return what tells a coded value from others: its code with the system's name, or its text."""
    code, name = value.text(1), value.text(3)
    if code:
        return f"{name}.{code}" if name else code
    return value.text(4) or value.text(2) or value.text(5) or value.text(9) or value.shown()
