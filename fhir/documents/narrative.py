"""The narrative of a section: its resources as a table a person can read, in Japanese or in English.

https://hl7.org/fhir/R4/narrative.html
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fhir.documents.sections import Language, Resource

_HEADINGS: Mapping[Language, tuple[str, str, str]] = {
    "ja": ("名称", "内容", "日付"),
    "en": ("Name", "Details", "Date"),
}
_EMPTY: Mapping[tuple[str, Language], str] = {
    (
        "unavailable",
        "ja",
    ): "ここに示せる情報はありません。「該当なし」と確認されたことを意味するものではありません。",
    ("unavailable", "en"): "No information is available here. This does not mean that there is none.",
    ("nilknown", "ja"): "該当するものはないと確認されています。",
    ("nilknown", "en"): "It has been established that there is none.",
}
_NAMES = ("code", "vaccineCode", "medicationCodeableConcept", "medicationReference")
_DOSAGES = ("dosage", "dosageInstruction")
_DATES = ("effective", "performed", "occurrence", "onset", "authoredOn", "recordedDate", "issued")


def table(resources: Sequence[Resource], language: Language, names: Mapping[str, str]) -> str:
    """Return the div of a section: a table with a row for each resource.

    Args:
        resources: Clinical resources, in the order of the rows.
        language: Of the headings; the content is in the sender's language.
        names: From a reference, `Medication/1`, to what the thing it means is called.
    """
    heading = "".join(f"<th>{escape(text)}</th>" for text in _HEADINGS[language])
    rows = "".join(f"<tr>{_row(resource, names)}</tr>" for resource in resources)
    return div(f"<table><thead><tr>{heading}</tr></thead><tbody>{rows}</tbody></table>", language)


def empty(reason: str, language: Language) -> str:
    """Return the div of a section without entries.

    Args:
        reason: Code of http://terminology.hl7.org/CodeSystem/list-empty-reason: `unavailable` or `nilknown`.
        language: Of the sentence.
    """
    return div(f"<p>{escape(_EMPTY[reason, language])}</p>", language)


def div(content: str, language: Language) -> str:
    """Return `content`, which is XHTML, as the div of a Narrative."""
    return (
        f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">{content}</div>'
    )


def name(resource: Resource, names: Mapping[str, str]) -> str:
    """Return what a resource is called: the text, else the first display, else the code of what names it."""
    for element in _NAMES:
        found = resource.get(element)
        if isinstance(found, dict):
            return names.get(found.get("reference", ""), "") or found.get("display") or concept(found)
    return ""


def concept(concept: Mapping[str, Any]) -> str:
    """Return a CodeableConcept as text."""
    codings = concept.get("coding", [])
    shown = [concept.get("text"), *(c.get("display") for c in codings), *(c.get("code") for c in codings)]
    return next((text for text in shown if text), "")


def _row(resource: Resource, names: Mapping[str, str]) -> str:
    return "".join(
        f"<td>{escape(text)}</td>" for text in (name(resource, names), _details(resource), _date(resource))
    )


def _details(resource: Resource) -> str:
    parts = [
        _value(resource),
        *(
            f"{concept(component.get('code', {}))} {_value(component)}"
            for component in resource.get("component", ())
        ),
        *(dosage.get("text", "") for element in _DOSAGES for dosage in resource.get(element, ())),
        resource.get("conclusion", ""),
        resource.get("criticality", ""),
        concept(resource.get("clinicalStatus", {})),
    ]
    return "; ".join(part for part in parts if part)


def _value(element: Mapping[str, Any]) -> str:
    for key, value in element.items():
        if key.startswith("value"):
            if not isinstance(value, dict):
                return str(value)
            if "value" in value:
                return f"{value.get('comparator', '')}{value['value']} {value.get('unit', '')}".strip()
            return concept(value)
    return concept(element.get("dataAbsentReason", {}))


def _date(resource: Resource) -> str:
    for element in _DATES:
        for key, value in resource.items():
            if not key.startswith(element):
                continue
            if isinstance(value, str):
                return value
            if isinstance(value, dict) and ("start" in value or "end" in value):
                return f"{value.get('start', '')}–{value.get('end', '')}"
    return ""
