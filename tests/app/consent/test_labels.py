"""F7, D6, A8: where labels are said, and that nobody reads in a document what is withheld outside it."""

import base64
from typing import Any

import pytest

from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

PSY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
NORMAL = {**RESTRICTED, "code": "N"}
PATIENT, COMPOSITION, RESULT, PROBLEM = (f"urn:uuid:00000000-0000-4000-8000-00000000000{n}" for n in range(4))


async def a_person(world: World) -> str:
    hospital = await world.client("hospital-a")
    patient: str = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    return patient


async def seen(world: World, reference: str) -> bool:
    answer = await world.http.get(f"/fhir/{reference}", headers=await world.client("clinic-c"))
    return answer.status_code == 200


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([{"coding": [NORMAL]}], True),
        ([{"coding": [NORMAL]}, {"coding": [PSY]}], False),
        ([{"text": "取扱注意"}], False),
    ],
    ids=["ordinary", "sensitive", "in words alone"],
)
async def test_a_document_reference_says_its_labels_in_an_element_of_its_own(
    world: World, labels: list[dict[str, Any]], expected: bool
) -> None:
    patient = await a_person(world)
    content = [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(b"x").decode()}}]
    document = {"resourceType": "DocumentReference", "status": "current", "content": content}
    subject = {"reference": f"Patient/{patient}"}

    made = await world.post(await world.client("hospital-a"), {**document, "subject": subject, "securityLabel": labels})

    assert await seen(world, f"DocumentReference/{made['id']}") is expected


@pytest.mark.parametrize(("code", "expected"), [("N", True), ("R", False), ("V", False)])
async def test_a_composition_says_its_confidentiality(world: World, code: str, expected: bool) -> None:
    patient = await a_person(world)
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "紹介状"},
        "subject": {"reference": f"Patient/{patient}"},
        "date": "2024-05-01",
        "author": [{"display": "佐藤"}],
        "title": "紹介状",
        "confidentiality": code,
    }

    made = await world.post(await world.client("hospital-a"), composition)

    assert await seen(world, f"Composition/{made['id']}") is expected


def entry(url: str, **resource: Any) -> dict[str, Any]:
    return {"fullUrl": url, "resource": resource}


async def a_document(world: World, **labelled: Any) -> dict[str, str]:
    """Push a document with a result and a problem, consent to its patient, and return the references by their types."""
    hospital = await world.client("hospital-a")
    subject = {"reference": PATIENT}
    code = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    section = {"title": "所見", "entry": [{"reference": RESULT}, {"reference": PROBLEM}]}
    bundle = {
        "resourceType": "Bundle",
        "type": "document",
        "timestamp": "2024-05-01T10:00:00+09:00",
        "identifier": {"system": "urn:oid:1.2.3", "value": "1"},
        "entry": [
            entry(
                COMPOSITION,
                resourceType="Composition",
                status="final",
                type={"text": "紹介状"},
                subject=subject,
                date="2024-05-01",
                author=[{"display": "佐藤"}],
                title="紹介状",
                section=[section],
            ),
            entry(PATIENT, **a_patient()),
            entry(RESULT, resourceType="Observation", status="final", code={"text": "HbA1c"}, subject=subject),
            entry(
                PROBLEM,
                resourceType="Condition",
                clinicalStatus=code,
                code={"text": "うつ病"},
                subject=subject,
                **labelled,
            ),
        ],
    }
    made = {"Bundle": f"Bundle/{(await world.post(hospital, bundle))['id']}"}
    for kind in ("Patient", "Observation", "Condition", "Composition"):
        found = (await world.http.get(f"/fhir/{kind}", headers=hospital)).json()["entry"]
        made[kind] = f"{kind}/{found[0]['resource']['id']}"
    await world.post(hospital, a_consent(made["Patient"][8:], "clinic-c"))
    return made


async def test_a_document_is_as_sensitive_as_its_entries_and_its_other_entries_are_not(world: World) -> None:
    made = await a_document(world, meta={"security": [PSY]})

    found = {kind for kind, reference in made.items() if await seen(world, reference)}

    assert found == {"Patient", "Observation", "Composition"}


async def test_what_is_labelled_later_is_withheld_in_its_document_too(world: World) -> None:
    made = await a_document(world)
    before = await seen(world, made["Bundle"])
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"security": [PSY]}}]}

    answer = await world.http.post(
        f"/fhir/{made['Condition']}/$meta-add", headers=await world.client("hospital-a"), json=body
    )

    assert (before, answer.status_code) == (True, 200)
    assert {kind for kind, one in made.items() if await seen(world, one)} == {"Patient", "Observation", "Composition"}


@pytest.mark.parametrize(
    ("labels", "of_psy", "of_r", "of_none"),
    [
        ([PSY], True, False, False),
        ([NORMAL], False, False, True),
        ([NORMAL, PSY], True, False, True),
        ([NORMAL, PSY, RESTRICTED], True, True, True),
    ],
    ids=["sensitive alone", "ordinary", "ordinary and sensitive", "all"],
)
async def test_a_permits_labels_say_which_rows_it_speaks_of(
    world: World, labels: list[dict[str, str]], of_psy: bool, of_r: bool, of_none: bool
) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c", securityLabel=labels))
    answers = []
    for security in ([PSY], [RESTRICTED], []):
        observation = {
            "resourceType": "Observation",
            "meta": {"security": security} if security else {"tag": [{"code": "a"}]},
            "status": "final",
            "code": {"text": "HbA1c"},
            "subject": {"reference": f"Patient/{patient}"},
        }
        answers.append(await seen(world, f"Observation/{(await world.post(hospital, observation))['id']}"))

    assert answers == [of_psy, of_r, of_none]
