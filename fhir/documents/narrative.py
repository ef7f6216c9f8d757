"""The narrative of a section: its resources as a table a person can read, in Japanese or in English.

https://hl7.org/fhir/R4/narrative.html
"""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from fhir.documents.sections import Language, Resource, codes

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
_PAIRS = (("low", "–", "high"), ("numerator", ":", "denominator"), ("start", "–", "end"))
"""Range, Ratio and Period: the two elements, and what is written between them."""
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
    return f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">{content}</div>'


def name(resource: Resource, names: Mapping[str, str]) -> str:
    """Return what a resource is called: the text, else the first display, else the code of what names it.

    Args:
        resource: Any resource.
        names: From a reference to what the thing it means is called; contained resources are found without.

    Returns:
        Type and id where nothing names the resource: a row is never without a name.
    """
    return next(_called(resource, names), f"{resource['resourceType']}/{resource.get('id', '')}")


def _called(resource: Resource, names: Mapping[str, str]) -> Iterator[str]:
    for element in _NAMES:
        found = resource.get(element)
        if not isinstance(found, dict):
            continue
        link = found.get("reference", "")
        if link in names:
            yield names[link]
        for contained in resource.get("contained", ()):
            if link == f"#{contained.get('id')}":
                yield from _called(contained, names)
        if text := found.get("display") or _text(found):
            yield text


def _text(concept: Mapping[str, Any]) -> str:
    codings = concept.get("coding", [])
    shown = [concept.get("text"), *(c.get("display") for c in codings), *(c.get("code") for c in codings)]
    return next((text for text in shown if text), "")


def _row(resource: Resource, names: Mapping[str, str]) -> str:
    cells = (name(resource, names), "; ".join(filter(None, _details(resource))), _date(resource))
    return "".join(f"<td>{escape(text)}</td>" for text in cells)


def _details(resource: Resource) -> Iterator[str]:
    yield _value(resource)
    yield from (_text(concept) for concept in resource.get("interpretation", ()))
    for component in resource.get("component", ()):
        yield f"{_text(component.get('code', {}))} {_value(component)}"
    for element in _DOSAGES:
        yield from (dosage.get("text", "") for dosage in resource.get(element, ()))
    for reaction in resource.get("reaction", ()):
        yield from (_text(concept) for concept in reaction.get("manifestation", ()))
    yield resource.get("conclusion", "")
    yield resource.get("criticality", "")
    yield _text(resource.get("clinicalStatus", {}))
    # What is only suspected must not read as known, nor a medicine that was stopped as taken.
    if "confirmed" not in codes(resource.get("verificationStatus")):
        yield _text(resource.get("verificationStatus", {}))
    if resource["resourceType"].startswith("Medication"):
        yield resource.get("status", "")


def _value(element: Mapping[str, Any]) -> str:
    for key, value in element.items():
        if key.startswith("value"):
            return _shown(value)
    return _text(element.get("dataAbsentReason", {}))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, dict):
        return str(value)
    for first, sign, second in _PAIRS:
        if first in value or second in value:
            return f"{_shown(value.get(first, ''))}{sign}{_shown(value.get(second, ''))}"
    if "value" in value:
        unit = value.get("unit") or value.get("code", "")
        return f"{value.get('comparator', '')}{value['value']} {unit}".strip()
    return _text(value)


def _date(resource: Resource) -> str:
    for element in _DATES:
        for key, value in resource.items():
            if not key.startswith(element):
                continue
            if isinstance(value, str):
                return value
            if isinstance(value, dict) and ("start" in value or "end" in value):
                return _shown(value)
    return ""
