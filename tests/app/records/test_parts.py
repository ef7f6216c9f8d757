"""`_summary` and `_elements` on reads, histories and searches: https://hl7.org/fhir/R4/search.html#summary."""

import pytest

from fhir.subset import SUBSETTED
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def _an_observation(world: World, caller: dict[str, str]) -> dict[str, object]:
    patient = await world.post(caller, a_patient())
    return await world.post(caller, an_observation(str(patient["id"]), note=[{"text": "x"}]))


@pytest.mark.parametrize("path", ["", "/_history/1"])
@pytest.mark.parametrize("query", ["_summary=true", "_elements=subject"])
async def test_a_read_answers_the_part_that_is_wanted(world: World, path: str, query: str) -> None:
    own = await world.client("hospital-a")
    made = await _an_observation(world, own)

    response = await world.http.get(f"/fhir/Observation/{made['id']}{path}?{query}", headers=own)

    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"1"'
    assert "note" not in response.json()
    assert response.json()["subject"] == made["subject"]
    assert response.json()["meta"]["tag"] == [SUBSETTED]


async def test_a_history_answers_parts_and_its_next_page_too(world: World) -> None:
    own = await world.client("hospital-a")
    made = await _an_observation(world, own)
    await world.http.put(f"/fhir/Observation/{made['id']}", headers=own, json=made)

    first = await world.http.get(f"/fhir/Observation/{made['id']}/_history?_summary=true&_count=1", headers=own)
    (address,) = [one["url"] for one in first.json()["link"] if one["relation"] == "next"]
    second = await world.http.get(address, headers=own)

    for page in (first, second):
        (entry,) = page.json()["entry"]
        assert "note" not in entry["resource"]
        assert entry["resource"]["meta"]["tag"] == [SUBSETTED]


async def test_a_search_answers_parts_of_matches_and_of_what_is_included(world: World) -> None:
    own = await world.client("hospital-a")
    await _an_observation(world, own)
    query = "Observation?_include=Observation:patient&_elements=code,Patient.gender"

    entries = (await world.http.get(f"/fhir/{query}", headers=own)).json()["entry"]

    assert [sorted(one["resource"]) for one in entries] == [
        ["code", "id", "meta", "resourceType", "status"],
        ["gender", "id", "meta", "resourceType"],
    ]


async def test_an_included_resource_is_whole_unless_its_type_is_named(world: World) -> None:
    own = await world.client("hospital-a")
    await _an_observation(world, own)
    query = "Observation?_include=Observation:patient&_elements=code"

    entries = (await world.http.get(f"/fhir/{query}", headers=own)).json()["entry"]

    assert entries[1]["resource"]["birthDate"] == "1960-01-02"
    assert "tag" not in entries[1]["resource"]["meta"]


async def test_a_part_of_what_is_hidden_is_as_hidden(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    made = await _an_observation(world, own)
    address = f"/fhir/Observation/{made['id']}?_summary=true"
    hidden = await world.http.get(address, headers=clinic)

    await world.post(own, a_consent(str(made["subject"]["reference"])[8:], "clinic-c"))  # type: ignore[index]

    assert hidden.status_code == 404
    assert (await world.http.get(address, headers=clinic)).status_code == 200


@pytest.mark.parametrize("query", ["_summary=count", "_elements=nothing", "_summary=true&_elements=code"])
async def test_a_read_refuses_what_is_no_part_of_a_resource(world: World, query: str) -> None:
    own = await world.client("hospital-a")
    made = await _an_observation(world, own)

    response = await world.http.get(f"/fhir/Observation/{made['id']}?{query}", headers=own)

    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == [query.rpartition("&")[2].partition("=")[0]]


async def test_a_part_cannot_replace_the_whole(world: World) -> None:
    own = await world.client("hospital-a")
    made = await _an_observation(world, own)
    address = f"/fhir/Observation/{made['id']}"
    part = (await world.http.get(f"{address}?_summary=true", headers=own)).json()
    entry = {"request": {"method": "PUT", "url": f"Observation/{made['id']}"}, "resource": part}
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    alone = await world.http.put(address, headers=own, json=part)
    inside = await world.http.post("/fhir", headers=own, json=transaction)

    assert [alone.status_code, inside.status_code] == [422, 422]
    assert alone.json()["issue"][0]["expression"] == ["Observation.meta.tag"]
    assert inside.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource.meta.tag"]
    assert (await world.http.get(address, headers=own)).json()["meta"]["versionId"] == "1"
