from typing import Any

import pytest

from app.records import composition_document
from fhir.store.labels import ACT_CODE
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PSY = {"system": ACT_CODE, "code": "PSY"}


async def a_composition(world: World, caller: dict[str, str], **second: Any) -> tuple[str, str, list[str]]:
    """Write a Composition of two Observations; return the Patient's id, its own, and all references in order."""
    doctor = await world.post(caller, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    patient = (await world.post(caller, a_patient()))["id"]
    made = [await world.post(caller, an_observation(patient, **fields)) for fields in ({}, second)]
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "date": "2024-05-02",
        "author": [{"reference": f"Practitioner/{doctor['id']}"}],
        "title": "退院時サマリー",
        "section": [{"title": "検査", "entry": [{"reference": f"Observation/{one['id']}"} for one in made]}],
    }
    stored = await world.post(caller, composition)
    links = [f"Composition/{stored['id']}", f"Patient/{patient}", f"Practitioner/{doctor['id']}"]
    return patient, stored["id"], [*links, *(f"Observation/{one['id']}" for one in made)]


def held(bundle: dict[str, Any]) -> list[str]:
    return [f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in bundle["entry"]]


async def test_a_document_begins_with_the_composition_and_holds_what_it_refers_to(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, composition, expected = await a_composition(world, hospital)

    answer = await world.http.get(f"/fhir/Composition/{composition}/$document", headers=hospital)

    bundle = answer.json()
    assert (bundle["type"], held(bundle)) == ("document", expected)
    assert bundle["identifier"]["value"] == f"urn:uuid:{bundle['id']}"
    assert [one["fullUrl"] for one in bundle["entry"]] == [f"http://127.0.0.1:8080/fhir/{one}" for one in expected]
    stored = await world.http.get(f"/fhir/{expected[3]}", headers=hospital)
    assert stored.text in answer.text


async def test_another_site_gets_the_document_of_what_it_may_see(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, composition, expected = await a_composition(world, hospital, meta={"security": [PSY]})
    hidden = await world.http.get(f"/fhir/Composition/{composition}/$document", headers=clinic)
    await world.post(hospital, a_consent(patient, "clinic-c"))

    seen = await world.http.get(f"/fhir/Composition/{composition}/$document", headers=clinic)
    own = await world.http.get(f"/fhir/Composition/{composition}/$document", headers=hospital)

    assert hidden.status_code == 404
    assert held(seen.json()) == expected[:-1]
    assert "meta" not in seen.json()
    assert own.json()["meta"]["security"] == [PSY]
    told = [event for event in await recorded(world) if event.organisation == "Organization/clinic-c" and event.patient]
    assert {f"{one}/_history/1" for one in expected[:2] + expected[3:-1]} == set(told[-1].entities)


async def test_a_document_is_kept_with_its_labels_when_that_is_asked_for(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, composition, expected = await a_composition(world, hospital, meta={"security": [PSY]})
    await world.post(hospital, a_consent(patient, "clinic-c"))
    before = await world.total(hospital, "Observation")

    answer = await world.http.post(f"/fhir/Composition/{composition}/$document?persist=true", headers=hospital)

    assert answer.status_code == 201, answer.text
    kept = answer.json()
    assert answer.headers["location"].endswith(f"/fhir/Bundle/{kept['id']}/_history/1")
    assert held((await world.http.get(f"/fhir/Bundle/{kept['id']}", headers=hospital)).json()) == expected
    assert (await world.http.get(f"/fhir/Bundle/{kept['id']}", headers=clinic)).status_code == 404
    assert await world.total(hospital, "Observation") == before


async def test_another_sites_records_are_not_kept(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, composition, _ = await a_composition(world, hospital)
    await world.post(hospital, a_consent(patient, "clinic-c"))

    answer = await world.http.post(f"/fhir/Composition/{composition}/$document?persist=true", headers=clinic)

    assert answer.status_code == 403
    assert await world.total(clinic, "Bundle") == 0


async def test_what_was_deleted_is_left_out(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, composition, expected = await a_composition(world, hospital)
    await world.http.delete(f"/fhir/{expected[-1]}", headers=hospital)

    answer = await world.http.get(f"/fhir/Composition/{composition}/$document", headers=hospital)

    assert held(answer.json()) == expected[:-1]


async def test_the_composition_is_named_at_the_type_too(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, composition, expected = await a_composition(world, hospital)
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "id", "valueUri": f"http://127.0.0.1:8080/fhir/Composition/{composition}"},
            {"name": "persist", "valueBoolean": True},
        ],
    }

    asked = await world.http.get(f"/fhir/Composition/$document?id=Composition/{composition}", headers=hospital)
    kept = await world.http.post("/fhir/Composition/$document", headers=hospital, json=parameters)

    assert [asked.status_code, kept.status_code] == [200, 201]
    assert held(asked.json()) == held(kept.json()) == expected


REFUSED = {
    "Composition/never/$document": 404,
    "Patient/{}/$document": 404,
    "Composition/{}/$document?persist=x": 400,
    "Composition/{}/$document?persist=true": 400,
    "Composition/{}/$document?graph=http://example.org/graph": 400,
    "Composition/{0}/$document?id={0}": 400,
    "Composition/$document": 400,
    "Composition/$document?id=http://elsewhere.example/Composition/{}": 404,
    "Composition/$document?id=Composition/never": 404,
}


async def test_what_is_no_composition_or_no_document_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, composition, _ = await a_composition(world, hospital)

    told = {
        path: (await world.http.get(f"/fhir/{path.format(composition)}", headers=hospital)).status_code
        for path in REFUSED
    }

    assert told == REFUSED


@pytest.mark.parametrize(("gone", "status"), [("Patient", 422), ("Composition", 410)])
async def test_nothing_is_kept_of_what_was_deleted_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch, gone: str, status: int
) -> None:
    hospital = await world.client("hospital-a")
    patient, composition, _ = await a_composition(world, hospital)
    address = f"/fhir/Patient/{patient}" if gone == "Patient" else f"/fhir/Composition/{composition}"

    async def delete_first(*given: Any) -> Any:
        assert (await world.http.delete(address, headers=hospital)).status_code == 204
        return await committing(*given)

    committing = composition_document.committed
    monkeypatch.setattr(composition_document, "committed", delete_first)
    answer = await world.http.post(f"/fhir/Composition/{composition}/$document?persist=true", headers=hospital)

    assert answer.status_code == status, answer.text
    assert await world.total(hospital, "Bundle") == 0
