"""The profiles of PCF that a Consent may claim; every one of them is tried at its edge."""

from typing import Any

import pytest

from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

PROFILE = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consent"
CODES = "http://terminology.hl7.org/CodeSystem"
PSY = {"system": f"{CODES}/v3-ActCode", "code": "PSY"}


def a_pcf_consent(patient: str, level: str, **provision: Any) -> dict[str, Any]:
    """Return a Consent that holds all that PCF requires."""
    return {
        "resourceType": "Consent",
        "meta": {"profile": [f"{PROFILE}{level}"]},
        "status": "active",
        "scope": {"coding": [{"system": f"{CODES}/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": "2026-05-01",
        "performer": [{"reference": f"Patient/{patient}"}],
        "organization": [{"reference": "Organization/hospital-a"}],
        "sourceAttachment": {"contentType": "text/plain", "title": "同意書"},
        "policy": [{"uri": "https://profiles.ihe.net/ITI/PCF/Policy-basic-normal"}],
        "provision": {"type": "permit", **provision},
    }


async def answered(world: World, level: str, changed: dict[str, Any], **provision: Any) -> tuple[int, list[str]]:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = {**a_pcf_consent(patient, level, **provision), **changed}
    consent = {name: value for name, value in consent.items() if value is not None}
    answer = await world.http.post("/fhir/Consent", headers=hospital, json=consent)
    issues = answer.json().get("issue", ())
    return answer.status_code, [one["expression"][0] for one in issues if one["severity"] == "error"]


RELATED = [{"meaning": "related", "reference": {"reference": "Encounter/e"}}]
TWO_DEEP = [{"type": "deny", "provision": [{"type": "permit"}]}]


@pytest.mark.parametrize(
    ("level", "provision"),
    [
        ("Basic", {"purpose": [{"system": f"{CODES}/v3-ActReason", "code": "BTG"}]}),
        ("Intermediate", {"dataPeriod": {"start": "2022"}, "provision": [{"type": "deny", "data": RELATED}]}),
        ("Advanced", {"securityLabel": [PSY], "provision": [{"type": "deny", "securityLabel": [PSY]}]}),
    ],
)
async def test_what_a_level_allows_is_stored(world: World, level: str, provision: dict[str, Any]) -> None:
    assert await answered(world, level, {}, **provision) == (201, [])


@pytest.mark.parametrize(
    ("level", "changed", "provision", "path"),
    [
        ("Basic", {"dateTime": None}, {}, "Consent.dateTime"),
        ("Basic", {"performer": None}, {}, "Consent.performer"),
        ("Basic", {"organization": None}, {}, "Consent.organization"),
        ("Basic", {"sourceAttachment": None}, {}, "Consent.source[x]"),
        ("Basic", {"verification": [{"verified": True}]}, {}, "Consent.verification"),
        ("Basic", {}, {"dataPeriod": {"start": "2022"}}, "Consent.provision.dataPeriod"),
        ("Basic", {}, {"data": RELATED}, "Consent.provision.data"),
        ("Basic", {}, {"purpose": [{"code": "HRESCH"}]}, "Consent.provision.purpose[0]"),
        ("Intermediate", {}, {"securityLabel": [PSY]}, "Consent.provision.securityLabel"),
        ("Intermediate", {}, {"provision": TWO_DEEP}, "Consent.provision.provision[0].provision[0]"),
        (
            "Intermediate",
            {},
            {"data": [{"meaning": "related", "reference": {"reference": "Observation/o"}}]},
            "Consent.provision.data[0].reference",
        ),
        ("Advanced", {}, {"class": [{"code": "Patient"}]}, "Consent.provision.class"),
        (
            "Advanced",
            {},
            {"securityLabel": [{"system": f"{CODES}/v3-ActCode", "code": "SCA"}]},
            "Consent.provision.securityLabel[0]",
        ),
    ],
)
async def test_what_a_level_does_not_allow_is_refused(
    world: World, level: str, changed: dict[str, Any], provision: dict[str, Any], path: str
) -> None:
    assert await answered(world, level, changed, **provision) == (422, [path])
