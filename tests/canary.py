"""A resource of any type with a canary in every field that can hold one, made from the R4 facts."""

import base64
import re
from typing import Any

from fhir.profiles.structure import check
from fhir.spec.elements import COMPLEX_TYPES, PRIMITIVE_TYPES, Element, elements, properties

CANARY = "KanariaX7"
IN_BASE64 = base64.b64encode(b"Kanaria in base64 X7").decode()

DEEPEST = 4
_TEXTS = ("string", "markdown", "Annotation", "CodeableConcept", "uri", "url", "canonical", "Reference")
"""Which type of a choice is filled, the one that holds most first."""

_SAMPLES: dict[str, Any] = {
    "string": f"{CANARY} text",
    "markdown": f"*{CANARY}*",
    "base64Binary": IN_BASE64,
    "boolean": True,
    "uri": f"http://{CANARY}.example/uri",
    "url": f"http://{CANARY}.example/",
    "oid": "urn:oid:1.2.3",
    "canonical": f"http://{CANARY}.example/canonical",
    "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "integer": 1,
    "positiveInt": 1,
    "unsignedInt": 1,
    "decimal": 1.5,
    "id": CANARY,
    "code": CANARY,
    "date": "2024-05-01",
    "dateTime": "2024-05-01T10:00:00+09:00",
    "instant": "2024-05-01T10:00:00+09:00",
    "time": "10:00:00",
    "xhtml": f'<div xmlns="http://www.w3.org/1999/xhtml">{CANARY}</div>',
}
_LEFT_OUT = {"id", "meta", "implicitRules", "language", "contained", "extension", "modifierExtension"}
"""Elements of every resource that say nothing about a patient, or are given separately."""

_NOT_MADE = {"Extension", "Resource", "Meta", "xhtml", "Narrative"}


def _of_type(element: Element, type_name: str, path: str, patient: str, depth: int) -> Any:
    if type_name == "Reference":
        targets = element.targets
        made: dict[str, Any] = {"display": f"{CANARY} display"}
        return made | ({"reference": patient} if not targets or "Patient" in targets else {})
    if element.codes:
        return min(element.codes)
    if type_name in PRIMITIVE_TYPES:
        return _SAMPLES[type_name]
    if type_name in COMPLEX_TYPES:
        return _object(type_name, patient, depth + 1) if depth < DEEPEST else None
    return _object(element.content_reference or path, patient, depth + 1) if depth < DEEPEST else None


def _chosen(element: Element) -> str:
    known = [name for name in _TEXTS if name in element.types]
    return known[0] if known and len(element.types) > 1 else (element.types[0] if element.types else "")


def _object(type_name: str, patient: str, depth: int) -> dict[str, Any] | None:
    """Return an object with every element of a type or backbone, or None when it would be empty."""
    made: dict[str, Any] = {}
    for name, element in elements(type_name).items():
        chosen = _chosen(element)
        if (name in _LEFT_OUT and element.min == 0) or chosen in _NOT_MADE:
            continue
        value = _of_type(element, chosen, f"{type_name}.{name}", patient, depth)
        if value is None:
            continue
        stem = name.removesuffix("[x]")
        key = name if stem == name else f"{stem}{chosen[0].upper()}{chosen[1:]}"
        made[key] = value if element.max == 1 else [value]
    return made or None


def _drop(node: Any, steps: list[str]) -> None:
    """Remove what a path names, or the nearest thing around it that is there."""
    for step in steps[:-1]:
        name, _, number = step.partition("[")
        if not isinstance(node, dict) or name not in node:
            return
        node = node[name][int(number.rstrip("]"))] if number else node[name]
    if isinstance(node, dict):
        node.pop(steps[-1].partition("[")[0], None)


def _coded(system: str, code: str) -> dict[str, Any]:
    coding = {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code, "display": CANARY}
    return {"coding": [coding], "text": CANARY}


def _repair(made: dict[str, Any]) -> dict[str, Any]:
    """Drop what breaks a rule of R4 until nothing does."""
    for _ in range(60):
        broken = [issue for issue in check(made) if issue.severity in ("error", "fatal")]
        if not broken:
            return made
        steps = broken[0].expression.split(".")[1:]
        before = str(made)
        while steps and str(made) == before:
            _drop(made, steps)
            steps = steps[:-1]
        assert str(made) != before, broken[0]
    raise AssertionError(f"No valid {made['resourceType']} could be made")


_OVERRIDES: dict[str, dict[str, Any]] = {
    # A Consent in force would show what it is to hide.
    "Consent": {"status": "rejected"},
    "Condition": {"clinicalStatus": _coded("condition-clinical", "resolved")},
    "Observation": {"dataAbsentReason": None, "component": None},
    "Bundle": {"type": "collection", "total": None, "entry": None, "signature": None},
    "QuestionnaireResponse": {"item": [{"linkId": CANARY, "text": CANARY, "answer": [{"valueString": CANARY}]}]},
}
"""What repairing would not find out; None leaves an element out."""


def a_canary(type_name: str, patient: str) -> dict[str, Any]:
    """Return a resource of a type with the canary in it, that refers to `patient`: `Patient/1`."""
    made = {"resourceType": type_name, **(_object(type_name, patient, 0) or {}), **_OVERRIDES.get(type_name, {})}
    made = {name: value for name, value in made.items() if value is not None}
    known = properties(type_name)
    if "extension" in known:
        told = [{"url": "http://example.org/about", "valueString": CANARY}]
        made["extension"] = [*told, {"url": "http://example.org/whom", "valueReference": {"reference": patient}}]
    if "text" in known and known["text"][1] == "Narrative":
        made["text"] = {"status": "generated", "div": _SAMPLES["xhtml"]}
    if type_name == "Bundle":
        made["entry"] = [{"fullUrl": f"http://{CANARY}.example/1", "resource": a_canary("Observation", patient)}]
    return _repair(made)


def found_in(octets: bytes) -> bool:
    """Return whether a canary of either kind is in an answer."""
    return bool(re.search(CANARY.encode(), octets, re.IGNORECASE)) or IN_BASE64.encode() in octets
