import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def test_a_site_reads_its_own_record(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_patient())

    response = await world.http.get(f"/fhir/Patient/{patient['id']}", headers=hospital)

    assert response.status_code == 200
    assert response.json() == patient
    assert response.headers["etag"] == 'W/"1"'


async def test_another_site_reads_it_only_while_consent_holds(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await world.post(hospital, a_patient())
    address = f"/fhir/Observation/{(await world.post(hospital, an_observation(patient['id'])))['id']}"
    before = await world.http.get(address, headers=clinic)
    consent = await world.post(hospital, a_consent(patient["id"], "clinic-c"))
    permitted = await world.http.get(address, headers=clinic)
    consent["status"] = "inactive"
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=consent)

    after = await world.http.get(address, headers=clinic)

    assert [before.status_code, permitted.status_code, after.status_code] == [404, 200, 404]
