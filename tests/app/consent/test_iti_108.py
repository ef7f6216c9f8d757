"""ITI-108, Access Consent: create, read, vread, update, delete, and the searches that PCF names, by GET and POST.

https://profiles.ihe.net/ITI/PCF/ITI-108.html
"""

import pytest

from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio


async def test_a_consent_is_created_read_updated_and_deleted(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    stored = await world.post(hospital, a_consent(patient, "clinic-c"))
    address = f"/fhir/Consent/{stored['id']}"

    updated = await world.http.put(address, headers=hospital, json={**stored, "status": "inactive"})
    first = await world.http.get(f"{address}/_history/1", headers=hospital)
    second = await world.http.get(address, headers=hospital)
    deleted = await world.http.delete(address, headers=hospital)
    gone = await world.http.get(address, headers=hospital)

    statuses = [one.status_code for one in (updated, first, second, deleted, gone)]
    assert statuses in ([200, 200, 200, 204, 410], [200, 200, 200, 200, 410])
    assert (first.json()["status"], second.json()["status"]) == ("active", "inactive")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("patient={id}&status=active", 1),
        ("patient=Patient/{id}&status=active,inactive", 2),
        ("patient.identifier=urn:oid:1.2.3|4711&status=active", 1),
        ("patient.identifier=urn:oid:1.2.3|4712&status=active", 0),
        ("actor=Organization/clinic-d", 1),
        ("patient={id}&status=inactive&actor=Organization/clinic-c", 0),
    ],
)
async def test_consents_are_found_as_pcf_asks_for_them(world: World, query: str, count: int) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "4711"}])))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    await world.post(hospital, {**a_consent(patient, "clinic-d"), "status": "inactive"})
    asked = query.format(id=patient)
    form = {**hospital, "content-type": "application/x-www-form-urlencoded"}

    got = await world.http.get(f"/fhir/Consent?{asked}", headers=hospital)
    posted = await world.http.post("/fhir/Consent/_search", headers=form, content=asked)

    assert (got.json()["total"], posted.json()["total"]) == (count, count)
