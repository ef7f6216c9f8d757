"""The names of MHD: its profiles, its code systems, its levels of metadata.

https://profiles.ihe.net/ITI/MHD/artifacts.html
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from fhir.errors import InvalidValue

MHD = "https://profiles.ihe.net/ITI/MHD"
DEFINITIONS = f"{MHD}/StructureDefinition"

Level = Literal["minimal", "comprehensive", "uncontained"]
"""How much is said of a document, and whether who wrote it is told inside of it (`comprehensive`) or referred to."""

BUNDLES: dict[str, Level] = {
    f"{DEFINITIONS}/IHE.MHD.Minimal.ProvideBundle": "minimal",
    f"{DEFINITIONS}/IHE.MHD.Comprehensive.ProvideBundle": "comprehensive",
    f"{DEFINITIONS}/IHE.MHD.UnContained.Comprehensive.ProvideBundle": "uncontained",
}
"""The profiles by which a Bundle says that it provides documents."""

SIMPLIFIED = f"{DEFINITIONS}/IHE.MHD.SimplifiedPublish.DocumentReference"

DESIGNATION = f"{DEFINITIONS}/ihe-designationType"
SOURCE_ID = f"{DEFINITIONS}/ihe-sourceId"
RECIPIENT = f"{DEFINITIONS}/ihe-intendedRecipient"
AUTHOR_ORGANISATION = f"{DEFINITIONS}/ihe-authorOrg"

LIST_TYPES = f"{MHD}/CodeSystem/MHDlistTypes"
URI = "urn:ietf:rfc:3986"
"""The system of identifiers that are URNs."""


def profiles_of(resource: Mapping[str, Any]) -> list[str]:
    """Return the profiles that a resource names, without their versions; nothing where `meta` is malformed."""
    meta = resource.get("meta")
    named = meta.get("profile", ()) if isinstance(meta, dict) else ()
    return [one.partition("|")[0] for one in named if isinstance(one, str)] if isinstance(named, list) else []


def level_of(bundle: Mapping[str, Any]) -> Level | None:
    """Return the level at which a Bundle provides documents; None for one that provides none.

    Raises:
        InvalidValue: it names several levels.
    """
    found = [BUNDLES[one] for one in profiles_of(bundle) if one in BUNDLES]
    if len(found) > 1:
        raise InvalidValue("A Bundle provides documents by one profile of MHD", "Bundle.meta.profile")
    return found[0] if found else None


def list_type(resource: Mapping[str, Any]) -> str:
    """Return `submissionset` or `folder`, or what else a List is by MHD's code system; an empty text for any other."""
    code = resource.get("code")
    codings = code.get("coding") if isinstance(code, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and coding.get("system") == LIST_TYPES:
            return str(coding.get("code", ""))
    return ""


def extensions(element: Mapping[str, Any], url: str) -> Iterator[Mapping[str, Any]]:
    """Yield the extensions of an element with this URL."""
    for one in element.get("extension", ()):
        if one.get("url") == url:
            yield one


def unique_id(resource: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the identifier by which a document, a SubmissionSet or a Folder is one thing everywhere, or None."""
    if resource["resourceType"] == "DocumentReference":
        found: Mapping[str, Any] | None = resource.get("masterIdentifier")
        return found if found and found.get("value") else None
    return next((one for one in resource.get("identifier", ()) if one.get("use") == "usual" and one.get("value")), None)
