"""Which of the documents of Japan's FHIR specifications a Bundle is.

Its Composition says it, else its profiles, else its identifier. HS036 to HS039 of the Ministry's standards, and
JP-CLINS: https://jpfhir.jp/fhir/clins/igv1/
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Kind = Literal["prescription", "checkup", "referral", "discharge", "plan", "information", "other"]

BUNDLE_IDENTIFIER = "http://jpfhir.jp/fhir/clins/bundle-identifier"
"""The system of the identifier by which a later send replaces or deletes what a Bundle held."""

_BY_TYPE: dict[str, Kind] = {
    "57833-6": "prescription",
    "53576-5": "checkup",
    "JPGCHKUP01": "checkup",
    "57133-1": "referral",
    "18842-5": "discharge",
    "56447-6": "plan",
}
"""By a code of Composition.type; the sister guides write them under different systems."""

_BY_PROFILE: dict[str, Kind] = {
    "JP_Bundle_ePrescriptionData": "prescription",
    "JP_Bundle_eCheckupGeneral": "checkup",
    "JP_Bundle_eReferral": "referral",
    "JP_Bundle_eDischargeSummary": "discharge",
    "JP_Bundle_ePCS": "plan",
    "JP_Bundle_CLINS": "information",
}
"""By the last word of a profile's address."""

KINDS: tuple[Kind, ...] = ("prescription", "checkup", "referral", "discharge", "plan", "information")
"""Those that are known by name."""


def profiles(resource: Mapping[str, Any]) -> list[str]:
    """Return the profiles that a resource names, without their versions."""
    meta = resource.get("meta")
    named = meta.get("profile") if isinstance(meta, dict) else None
    return [url.partition("|")[0] for url in named if isinstance(url, str)] if isinstance(named, list) else []


def _codes(concept: Any) -> Iterator[str]:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("code"), str):
            yield coding["code"]


def kind(bundle: Mapping[str, Any], composition: Mapping[str, Any] | None) -> Kind:
    """Return which document a Bundle is; `other` for one of another specification.

    Args:
        bundle: The Bundle, or all of it but its entries.
        composition: Its first entry, when that is a Composition.
    """
    for code in _codes((composition or {}).get("type")):
        if code in _BY_TYPE:
            return _BY_TYPE[code]
    for url in profiles(bundle):
        if (found := _BY_PROFILE.get(url.rpartition("/")[2])) is not None:
            return found
    identifier = bundle.get("identifier")
    system = identifier.get("system") if isinstance(identifier, dict) else None
    return "information" if system == BUNDLE_IDENTIFIER and bundle.get("type") == "collection" else "other"


def kind_of_tree(bundle: Mapping[str, Any]) -> Kind:
    """Return which document a Bundle is, given as a whole; its entries need not have been looked at."""
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    head = first.get("resource") if isinstance(first, dict) else None
    is_composition = isinstance(head, dict) and head.get("resourceType") == "Composition"
    return kind(bundle, head if is_composition else None)
