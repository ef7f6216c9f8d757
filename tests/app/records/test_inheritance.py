import base64

import pytest

from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

PSYCHIATRY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}


def an_attachment(patient: str, **fields: object) -> dict[str, object]:
    """Return a transaction of a DocumentReference and its Binary, which point at each other."""
    reference = {
        "resourceType": "DocumentReference",
        **fields,
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [
            {"attachment": {"contentType": "text/plain", "url": "urn:uuid:11111111-1111-4111-8111-111111111111"}}
        ],
    }
    binary = {
        "resourceType": "Binary",
        "contentType": "text/plain",
        "securityContext": {"reference": "urn:uuid:22222222-2222-4222-8222-222222222222"},
        "data": base64.b64encode("退院".encode()).decode(),
    }
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111",
                "resource": binary,
                "request": {"method": "POST", "url": "Binary"},
            },
            {
                "fullUrl": "urn:uuid:22222222-2222-4222-8222-222222222222",
                "resource": reference,
                "request": {"method": "POST", "url": "DocumentReference"},
            },
        ],
    }


@pytest.mark.parametrize(
    ("fields", "status"), [({}, 200), ({"meta": {"security": [PSYCHIATRY]}}, 404)], ids=["disclosed", "label withheld"]
)
async def test_a_binary_is_seen_by_whom_its_document_is(world: World, fields: dict[str, object], status: int) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    posted = await world.http.post("/fhir", headers=hospital, json=an_attachment(patient, **fields))
    binary = posted.json()["entry"][0]["response"]["location"].split("/")[-3]
    before = await world.http.get(f"/fhir/Binary/{binary}", headers=clinic)
    await world.post(hospital, a_consent(patient, "clinic-c"))

    after = await world.http.get(f"/fhir/Binary/{binary}", headers=clinic)

    assert before.status_code == 404
    assert after.status_code == status


async def test_a_pointer_at_another_sites_record_takes_nothing_over(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    patient = (await world.post(hospital, a_patient()))["id"]
    posted = await world.http.post("/fhir", headers=hospital, json=an_attachment(patient))
    document = posted.json()["entry"][1]["response"]["location"].split("/")[-3]

    await world.post(
        other,
        {
            "resourceType": "Binary",
            "contentType": "text/plain",
            "securityContext": {"reference": f"DocumentReference/{document}"},
            "data": "eA==",
        },
    )

    assert await world.total(hospital, "Binary") == 1


async def test_a_binary_that_is_written_again_takes_over_what_its_document_is_labelled_now(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    posted = await world.http.post("/fhir", headers=hospital, json=an_attachment(patient))
    addresses = ["/".join(entry["response"]["location"].split("/")[-4:-2]) for entry in posted.json()["entry"]]
    binary, document = [
        (await world.http.get(f"/fhir/{one}?_format=json", headers=hospital)).json() for one in addresses
    ]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    document["meta"]["security"] = [PSYCHIATRY]
    await world.http.put(f"/fhir/{addresses[1]}", headers=hospital, json=document)

    response = await world.http.put(f"/fhir/{addresses[0]}", headers=hospital, json=binary)

    assert response.status_code == 200
    assert (await world.http.get(f"/fhir/{addresses[0]}", headers=clinic)).status_code == 404
