"""Security labels as bits, so that a label set is one number and a test of it one instruction.

https://hl7.org/fhir/R4/security-labels.html; codes of HL7 v3 ActCode and Confidentiality.
"""

from collections.abc import Mapping
from typing import Any

ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
DISCLOSURE = "http://renkei.example/fhir/CodeSystem/disclosure"
"""Our own codes: `UNINFORMED` (未告知) and `UNDELIVERED` (未提供)."""

INDICATION = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication"
"""The same two as JP-CLINS writes them, into `meta.tag`; beside `LTS`, which asks for longer keeping."""

_SENSITIVE = (
    *("ETH", "GDIS", "HIV", "MST", "PREGNANT", "SCA", "SDV", "SEX", "SPI", "BH", "COGN", "DVD", "EMOTDIS"),
    *("MH", "PSY", "PSYTHPN", "SUD", "ETHUD", "OPIOIDUD", "STD", "TBOO", "VIO", "IDS", "SICKLE"),
)
_BITS: dict[tuple[str, str], int] = {
    **{(ACT_CODE, code): 1 << number for number, code in enumerate(_SENSITIVE, start=8)},
    (CONFIDENTIALITY, "R"): 1 << 0,
    (CONFIDENTIALITY, "V"): 1 << 1,
    (DISCLOSURE, "UNINFORMED"): 1 << 2,
    (DISCLOSURE, "UNDELIVERED"): 1 << 3,
    (INDICATION, "UNINFORMED"): 1 << 2,
    (INDICATION, "UNDELIVERED"): 1 << 3,
}
"""Stored: a number is never given to another code."""

UNINFORMED = 1 << 2
"""The patient has not been told (未告知): hidden from the patient, shown with the mark to other sites."""

UNDELIVERED = 1 << 3
"""Not yet provided (未提供): goes to no other site and not to the patient, whatever a grant says."""

UNKNOWN = 1 << 62
"""A sensitivity label that this table does not know: no grant can name it, so it goes nowhere."""

SENSITIVE = sum(bit for (system, _), bit in _BITS.items() if system in {ACT_CODE, CONFIDENTIALITY}) | UNKNOWN
"""The labels that are withheld from other sites unless a grant names them."""

_ORDINARY = {(CONFIDENTIALITY, code) for code in ("U", "L", "M", "N")} | {(INDICATION, "LTS")}

_HARMLESS_SYSTEMS = {
    "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
}
"""Code systems of `meta.security` that do not speak of sensitivity: purposes, integrity, provenance."""


def bit(system: str | None, code: str | None) -> int:
    """Return the bit of a label; 0 for one that withholds nothing, `UNKNOWN` for one this table does not know."""
    found = _BITS.get((system or "", code or ""))
    if found is not None:
        return found
    return 0 if (system, code) in _ORDINARY or system in _HARMLESS_SYSTEMS else UNKNOWN


def codes(labels: int) -> list[str]:
    """Return the codes of a label set; `?` for labels that this table does not know."""
    known = dict.fromkeys(code for (_, code), one in _BITS.items() if labels & one)
    return [*known, *(["?"] if labels & UNKNOWN else [])]


def codings(labels: int) -> list[dict[str, str]]:
    """Return a label set as codings of `meta.security`.

    A label that this table does not know makes what bears it very restricted.
    """
    known = [
        {"system": system, "code": code}
        for (system, code), one in _BITS.items()
        if labels & one and system != INDICATION
    ]
    return known + ([{"system": CONFIDENTIALITY, "code": "V"}] if labels & UNKNOWN else [])


_ELEMENTS = {"DocumentReference": "securityLabel"}
"""The element, beside `meta.security`, in which a type says how sensitive what it is about is."""


def indications(meta: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the tags of JP-CLINS by which a fact goes to no other site, or not to the patient."""
    return [tag for tag in meta.get("tag", ()) if tag.get("system") == INDICATION and tag.get("code") != "LTS"]


def _own(resource: Mapping[str, Any]) -> int:
    """Return the labels that a resource says of itself."""
    type_name = resource.get("resourceType")
    meta = resource.get("meta", {})
    codings = [*meta.get("security", ()), *indications(meta)]
    for concept in resource.get(_ELEMENTS.get(str(type_name), ""), ()):
        # A label in words alone is one that the table does not know.
        codings += concept.get("coding") or [{}]
    if type_name == "Composition" and "confidentiality" in resource:
        codings.append({"system": CONFIDENTIALITY, "code": resource["confidentiality"]})
    found = 0
    for coding in codings:
        found |= bit(coding.get("system"), coding.get("code"))
    return found


def _inside(resource: Mapping[str, Any]) -> int:
    """Return the labels of what is inside a Bundle: whoever reads it reads its entries."""
    if resource.get("resourceType") != "Bundle":
        return 0
    found = 0
    for entry in resource.get("entry", ()):
        inner = entry.get("resource") or {}
        found |= _own(inner) | _inside(inner)
    return found


def of_entries_alone(resource: Mapping[str, Any]) -> int:
    """Return the labels that a Bundle has for one of its entries alone: the other entries are not so sensitive."""
    return _inside(resource) & ~_own(resource)


def labels(resource: Mapping[str, Any]) -> int:
    """Return the label set of a resource that has been checked, what is inside it included.

    DocumentReference.securityLabel and Composition.confidentiality speak of the document, and so of what describes it.
    """
    return _own(resource) | _inside(resource)
