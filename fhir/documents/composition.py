"""The Composition of an International Patient Summary: its sections, each with a narrative and its entries.

https://hl7.org/fhir/uv/ips/STU1.1/StructureDefinition-Composition-uv-ips.html
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fhir.documents.narrative import div, empty, table
from fhir.documents.sections import SECTIONS, Language, Resource, Section, codes

_LOINC = "http://loinc.org"
_EMPTY_REASON = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_REASONS = {"unavailable": "Unavailable", "nilknown": "Nil Known"}
_TITLE: Mapping[Language, str] = {"ja": "国際患者サマリー", "en": "International Patient Summary"}
# What a List that stands for a section is coded with, besides the section's own code:
# https://hl7.org/fhir/R4/valueset-list-example-codes.html
_LISTS = {"11450-4": "problems", "48765-2": "allergies", "10160-0": "medications"}


def choose(records: Mapping[str, Sequence[Resource]]) -> dict[str, list[Resource]]:
    """Return for each section, by its code, the resources that stand in it."""
    return {
        section.code: [
            resource
            for resource_type in section.types
            for resource in records.get(resource_type, ())
            if section.holds(resource)
        ]
        for section in SECTIONS
    }


def composition(
    chosen: Mapping[str, Sequence[Resource]],
    lists: Sequence[Resource],
    names: Mapping[str, str],
    *,
    now: str,
    language: Language,
) -> dict[str, Any]:
    """Return the Composition, without id, subject and author.

    A required section without resources says that nothing is available, for what a hub does not hold may be
    all the same. It says that there is none if a current List without entries has the emptyReason `nilknown`.

    Args:
        chosen: What `choose` returned. The entries are references by type and id.
        lists: The patient's List resources.
        names: From a reference, `Medication/1`, to what the thing it means is called.
        now: When the summary is made, a dateTime with seconds and zone.
        language: Of titles and headings.
    """
    return {
        "resourceType": "Composition",
        "language": language,
        "text": {"status": "generated", "div": div(f"<p>{_TITLE[language]}</p>", language)},
        "status": "final",
        "type": _concept(_LOINC, "60591-5", "Patient summary Document"),
        "date": now,
        "title": _TITLE[language],
        "section": [
            _section(section, chosen[section.code], lists, names, language)
            for section in SECTIONS
            if section.required or chosen[section.code]
        ],
    }


def reference(resource: Resource) -> str:
    """Return the relative reference to a resource, `Patient/1`."""
    return f"{resource['resourceType']}/{resource['id']}"


def _section(
    section: Section,
    resources: Sequence[Resource],
    lists: Sequence[Resource],
    names: Mapping[str, str],
    language: Language,
) -> dict[str, Any]:
    head = {"title": section.title[language], "code": _concept(_LOINC, section.code, section.display)}
    if resources:
        return head | {
            "text": {"status": "generated", "div": table(resources, language, names)},
            "entry": [{"reference": reference(resource)} for resource in resources],
        }
    reason = "nilknown" if _is_nil(section.code, lists) else "unavailable"
    return head | {
        "text": {"status": "generated", "div": empty(reason, language)},
        "emptyReason": _concept(_EMPTY_REASON, reason, _REASONS[reason]),
    }


def _is_nil(code: str, lists: Iterable[Resource]) -> bool:
    return any(
        found.get("status") == "current"
        and not found.get("entry")
        and bool(codes(found.get("code")) & {code, _LISTS[code]})
        and "nilknown" in codes(found.get("emptyReason"))
        for found in lists
    )


def _concept(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}]}
