"""F1: a Consent is never stored active while a part of it is not enforced."""

from typing import Any

import pytest

from app.access import directory
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

ROLE = {"coding": [{"code": "IRCP"}]}
PCF = "https://profiles.ihe.net/ITI/PCF"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
UNKNOWN_EXTENSION = [{"url": "http://example.org/unless", "valueString": "?"}]
INSIDE = [{"type": "permit", "data": [{"meaning": "instance", "reference": {"reference": "Observation/o"}}]}]

PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown site": (
        {"actor": [{"role": ROLE, "reference": {"reference": "Organization/no"}}]},
        "actor[0].reference",
    ),
    "an unknown person": (
        {"actor": [{"role": ROLE, "reference": {"reference": "Practitioner/no"}}]},
        "actor[0].reference",
    ),
    "an unknown role": (
        {"actor": [{"role": {"text": "?"}, "reference": {"reference": "Organization/clinic-c"}}]},
        "actor[0].role",
    ),
    "an action": ({"action": [{"coding": [{"code": "correct"}]}]}, "action[0]"),
    "an unknown purpose": ({"purpose": [{"code": "FooBar"}]}, "purpose[0]"),
    "an unknown kind": ({"class": [{"code": "Observation"}]}, "class"),
    "an unknown code": ({"code": [{"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}]}, "code"),
    "an unknown label": ({"securityLabel": [{"system": ACT_CODE, "code": "NOSUCH"}]}, "securityLabel[0]"),
    "what goes to nobody": (
        {"securityLabel": [{"system": "http://renkei.example/fhir/CodeSystem/disclosure", "code": "UNDELIVERED"}]},
        "securityLabel[0]",
    ),
    "a period without ends": ({"period": {"extension": UNKNOWN_EXTENSION}}, "period"),
    "data elsewhere": (
        {"data": [{"meaning": "instance", "reference": {"reference": "http://elsewhere.example/Observation/1"}}]},
        "data[0].reference",
    ),
    "a permit of data in others": (
        {"data": [{"meaning": "related", "reference": {"reference": "Encounter/e"}}], "provision": INSIDE},
        "provision[0].data",
    ),
    "an exception without a type": ({"provision": [{"purpose": [{"code": "TREAT"}]}]}, "provision[0].type"),
    "a modifier": (
        {"provision": [{"type": "deny", "modifierExtension": UNKNOWN_EXTENSION}]},
        "provision[0].modifierExtension",
    ),
}


async def refused(world: World, **fields: Any) -> list[str]:
    """Return where a Consent is refused."""
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = {**a_consent(patient, "clinic-c"), **fields}
    answer = await world.http.post("/fhir/Consent", headers=hospital, json=consent)
    assert answer.status_code == 422, answer.text
    assert await world.total(hospital, f"Consent?patient={patient}") == 0
    return [one["expression"][0] for one in answer.json()["issue"]]


@pytest.mark.parametrize("part", PARTS)
async def test_an_active_consent_is_refused_by_a_path_to_each_part_that_cannot_be_enforced(
    world: World, part: str
) -> None:
    provision, path = PARTS[part]

    assert await refused(world, provision={"type": "permit", **provision}) == [f"Consent.provision.{path}"]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"policyRule": None, "provision": {"purpose": [{"code": "TREAT"}]}}, "Consent.provision.type"),
        ({"policy": [{"uri": f"{PCF}/Policy-nosuch"}]}, "Consent.policy[0].uri"),
        ({"patient": {"identifier": {"value": "1"}}}, "Consent.patient"),
        ({"scope": {"coding": [{"code": "research"}]}}, "Consent.scope"),
    ],
)
async def test_so_it_is_where_its_root_does_not_say_enough(world: World, fields: dict[str, Any], path: str) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = {**a_consent(patient, "clinic-c"), **fields}
    if "policyRule" in fields:
        consent["policyRule"] = {"text": "院内掲示の方針"}

    answer = await world.http.post("/fhir/Consent", headers=hospital, json=consent)

    assert answer.status_code == 422
    assert [one["expression"][0] for one in answer.json()["issue"]] == [path]


async def test_a_draft_of_the_same_is_stored_and_decides_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    draft = {**a_consent(patient, "nowhere"), "status": "draft"}

    stored = await world.post(hospital, draft)
    answer = await world.http.put(
        f"/fhir/Consent/{stored['id']}", headers=hospital, json={**stored, "status": "active"}
    )

    assert answer.status_code == 422
    assert (await world.http.get(f"/fhir/Consent/{stored['id']}", headers=hospital)).json()["status"] == "draft"


async def test_a_consent_to_a_treatment_says_nothing_of_disclosure(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]

    await world.post(hospital, {**a_consent(patient, "clinic-c"), "scope": {"coding": [{"code": "treatment"}]}})

    assert await world.total(clinic, "Patient") == 0


async def test_a_practitioner_is_the_person_whose_own_organisation_says_so(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    async with world.hub.database.write() as connection:
        site = await directory.find_organisation(connection, "clinic-c")
        await directory.add_account(
            connection,
            name="dr-sato",
            title="佐藤",
            organisation_key=site.key,
            role="doctor",
            password="-",
            must_change=False,
        )
    account = [{"system": "http://renkei.example/fhir/NamingSystem/account", "value": "dr-sato"}]
    practitioner = {"resourceType": "Practitioner", "identifier": account}
    patient = (await world.post(hospital, a_patient()))["id"]
    answers = []
    for keeper in (hospital, clinic):
        sato = (await world.post(keeper, practitioner))["id"]
        actor = [{"role": ROLE, "reference": {"reference": f"Practitioner/{sato}"}}]
        consent = a_consent(patient, "clinic-c", actor=actor)
        answers.append((await world.http.post("/fhir/Consent", headers=hospital, json=consent)).status_code)

    assert answers == [422, 201]
    assert await world.total(clinic, "Patient") == 0
