import hashlib

import pytest

from tests.spec_data import SPEC_DATA
from tests.world import World

pytestmark = pytest.mark.anyio

REFERRAL = "jp/examples/Bundle-Bundle-CLINS-Referral-Example-01.json"
OBSERVATIONS = "jp/examples/Bundle-Bundle-CLINS-Observations-Example-01.json"
JSON = {"content-type": "application/fhir+json"}


@pytest.mark.parametrize("name", [REFERRAL, OBSERVATIONS], ids=["referral", "collection"])
async def test_a_document_is_kept_byte_for_byte(world: World, name: str) -> None:
    hospital = await world.client("hospital-a")
    body = (SPEC_DATA / name).read_bytes()

    posted = await world.http.post("/fhir/Bundle", headers=hospital | JSON, content=body)

    assert posted.status_code == 201, posted.text
    address = f"/fhir/Bundle/{posted.json()['id']}/$original"
    original = await world.http.get(address, headers=hospital)
    assert hashlib.sha256(original.content).digest() == hashlib.sha256(body).digest()


async def test_the_entries_of_a_referral_are_found_under_its_patient_with_provenance(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = (SPEC_DATA / REFERRAL).read_bytes()
    await world.http.post("/fhir/Bundle", headers=hospital | JSON, content=body)
    patients = (await world.http.get("/fhir/Patient", headers=hospital)).json()
    patient = patients["entry"][0]["resource"]["id"]

    totals = {
        name: await world.total(hospital, f"{name}?patient={patient}")
        for name in ("Composition", "Condition", "Encounter", "Provenance")
    }

    assert patients["total"] == 1
    assert totals["Composition"] == 1
    assert totals["Condition"] > 0
    assert totals["Provenance"] == 1


async def test_the_second_document_of_a_patient_makes_no_second_patient(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = (SPEC_DATA / REFERRAL).read_bytes()
    await world.http.post("/fhir/Bundle", headers=hospital | JSON, content=body)

    await world.http.post("/fhir/Bundle", headers=hospital | JSON, content=body)

    assert await world.total(hospital, "Patient") == 1
