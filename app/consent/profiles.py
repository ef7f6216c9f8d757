"""The profiles of PCF: what a Consent that claims one must hold and must not.

https://profiles.ihe.net/ITI/PCF/content.html. The claim is `meta.profile`; a Consent without one is held to R4 and to
what can be enforced.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.consent.scope import MEANINGS
from fhir.issue import Issue
from fhir.store.labels import ACT_CODE, CONFIDENTIALITY

PROFILES = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consent"

LEVELS = ("Foundation", "Basic", "Intermediate", "Advanced")

_REQUIRED = ("dateTime", "performer", "organization", "policy")
_FORBIDDEN = ("policyRule", "verification")
_NEVER = ("action", "class", "code")
_NOT_AT: Mapping[str, tuple[str, ...]] = {
    "Foundation": (),
    "Basic": ("securityLabel", "dataPeriod", "data", "provision"),
    "Intermediate": ("securityLabel",),
    "Advanced": (),
}
_BASIC_PURPOSES = frozenset({"TREAT", "HPAYMT", "HOPERAT", "BTG"})
_LABELS = frozenset(
    {
        *((CONFIDENTIALITY, code) for code in ("R", "N")),
        *((ACT_CODE, code) for code in ("ETH", "ETHUD", "OPIOIDUD", "PSY", "SEX", "HIV", "SDV")),
    }
)
"""AdvancedSecurityTagVS; SDV is the value set of its labelling service."""
_RELATED = ("Encounter", "CarePlan", "EpisodeOfCare")


def _issue(code: str, path: str, text: str) -> Issue:
    return Issue("error", code, path, text)


def _of_root(consent: Mapping[str, Any]) -> Iterator[Issue]:
    for name in _REQUIRED:
        if not consent.get(name):
            yield _issue("required", f"Consent.{name}", "PCF requires this element")
    if not any(name in consent for name in ("sourceAttachment", "sourceReference")):
        yield _issue("required", "Consent.source[x]", "PCF requires this element")
    for number, one in enumerate(consent.get("policy", ())):
        if "uri" not in one:
            yield _issue("required", f"Consent.policy[{number}].uri", "PCF requires this element")
        if "authority" in one:
            yield _issue("structure", f"Consent.policy[{number}].authority", "PCF does not use this element")
    for name in _FORBIDDEN:
        if name in consent:
            yield _issue("structure", f"Consent.{name}", "PCF does not use this element")
    if "type" not in consent.get("provision", {}):
        yield _issue("required", "Consent.provision.type", "PCF requires this element")


def _of_provision(provision: Mapping[str, Any], level: str, path: str, depth: int) -> Iterator[Issue]:
    for name in (*_NEVER, *_NOT_AT[level]):
        if name in provision:
            yield _issue("structure", f"{path}.{name}", f"PCF's {level} Consent does not use this element")
    for number, actor in enumerate(provision.get("actor", ())):
        codes = [coding.get("code") for coding in actor.get("role", {}).get("coding", ())]
        if codes != ["IRCP"]:
            yield _issue("value", f"{path}.actor[{number}].role", "PCF names recipients only: IRCP")
    yield from _of_codes(provision, level, path)
    for number, one in enumerate(provision.get("data", ())):
        yield from _of_data(one, f"{path}.data[{number}]")
    for number, inner in enumerate(provision.get("provision", ())):
        at = f"{path}.provision[{number}]"
        if depth:
            yield _issue("structure", at, "PCF nests no exception in an exception")
        yield from _of_provision(inner, level, at, depth + 1)


def _of_codes(provision: Mapping[str, Any], level: str, path: str) -> Iterator[Issue]:
    for number, coding in enumerate(provision.get("purpose", ())):
        if level == "Basic" and coding.get("code") not in _BASIC_PURPOSES:
            yield _issue("code-invalid", f"{path}.purpose[{number}]", "PCF's Basic Consent has no such purpose")
    for number, coding in enumerate(provision.get("securityLabel", ())):
        if (coding.get("system"), coding.get("code")) not in _LABELS:
            yield _issue("code-invalid", f"{path}.securityLabel[{number}]", "PCF has no such label")


def _of_data(one: Mapping[str, Any], path: str) -> Iterator[Issue]:
    meaning, named = one.get("meaning"), one.get("reference", {}).get("reference", "").split("/")
    if meaning not in MEANINGS or meaning == "dependents":
        yield _issue("code-invalid", f"{path}.meaning", "PCF has no such meaning")
    if meaning == "related" and (len(named) < 2 or named[-2] not in _RELATED):
        yield _issue("value", f"{path}.reference", f"PCF relates data to one of {', '.join(_RELATED)}")


def claimed(consent: Mapping[str, Any]) -> str | None:
    """Return the level of PCF that a Consent claims, or None."""
    names = [profile.partition("|")[0] for profile in consent.get("meta", {}).get("profile", ())]
    return next((level for level in LEVELS if f"{PROFILES}{level}" in names), None)


def profile_issues(consent: Mapping[str, Any]) -> list[Issue]:
    """Return what of a Consent breaks the profile of PCF that it claims, each with its path."""
    level = claimed(consent)
    if level is None:
        return []
    provision = consent.get("provision", {})
    return [*_of_root(consent), *_of_provision(provision, level, "Consent.provision", 0)]
