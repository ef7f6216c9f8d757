from typing import Any

import httpx
import pytest

from fhir.store.labels import ACT_CODE
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

TAG = {"system": "urn:example:tags", "code": "study-1"}
OTHER_TAG = {"system": "urn:example:tags", "code": "study-2"}
PSY = {"system": ACT_CODE, "code": "PSY"}
PROFILE = "http://example.org/StructureDefinition/one"


async def change(world: World, caller: dict[str, str], path: str, **meta: Any) -> httpx.Response:
    body = {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]}
    return await world.http.post(f"/fhir/{path}", headers=caller, json=body)


async def meta(world: World, caller: dict[str, str], path: str) -> dict[str, Any]:
    response = await world.http.get(f"/fhir/{path}$meta", headers=caller)
    assert response.status_code == 200, response.text
    (parameter,) = response.json()["parameter"]
    assert parameter["name"] == "return"
    return dict(parameter["valueMeta"])


async def test_the_meta_of_a_resource_and_of_a_version_is_answered(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, a_patient(meta={"tag": [TAG]}))
    await world.http.put(f"/fhir/Patient/{made['id']}", headers=hospital, json={**made, "meta": {"tag": [OTHER_TAG]}})

    now = await meta(world, hospital, f"Patient/{made['id']}/")
    before = await meta(world, hospital, f"Patient/{made['id']}/_history/1/")

    assert (now["versionId"], now["tag"]) == ("2", [OTHER_TAG])
    assert before == made["meta"]


async def test_adding_makes_a_version_and_leaves_all_else_as_it_was_sent(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    sent = (
        f'{{"resourceType":"Observation", "status":"final","meta":{{"tag":[{{"code":"own"}}]}},"code":{{"text":"A1c"}},'
        f'"subject":{{"reference":"Patient/{patient}"}},"valueQuantity":{{"value":6.30}}}}'
    )
    made = (await world.http.post("/fhir/Observation", headers=hospital, content=sent)).json()

    answer = await change(world, hospital, f"Observation/{made['id']}/$meta-add", tag=[TAG], profile=[PROFILE])

    assert answer.status_code == 200
    assert answer.json()["parameter"][0]["valueMeta"]["tag"] == [{"code": "own"}, TAG]
    now = await world.http.get(f"/fhir/Observation/{made['id']}", headers=hospital)
    old = await world.http.get(f"/fhir/Observation/{made['id']}/_history/1", headers=hospital)
    assert '"value":6.30' in now.text
    assert now.json()["meta"]["versionId"] == "2"
    assert now.json()["meta"]["profile"] == [PROFILE]
    assert old.json()["meta"]["tag"] == [{"code": "own"}]
    assert await world.total(hospital, f"Observation?_tag={TAG['system']}|{TAG['code']}") == 1


async def test_adding_what_is_there_makes_no_version(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, a_patient(meta={"tag": [TAG]}))

    answer = await change(world, hospital, f"Patient/{made['id']}/$meta-add", tag=[TAG])

    assert answer.json()["parameter"][0]["valueMeta"]["versionId"] == "1"
    assert answer.headers["etag"] == 'W/"1"'


async def test_a_label_that_is_added_withholds_at_once_and_is_never_taken_away(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    made = await world.post(hospital, an_observation(patient))
    before = await world.http.get(f"/fhir/Observation/{made['id']}", headers=clinic)

    added = await change(world, hospital, f"Observation/{made['id']}/$meta-add", security=[PSY])
    taken = await change(world, hospital, f"Observation/{made['id']}/$meta-delete", security=[PSY])

    after = await world.http.get(f"/fhir/Observation/{made['id']}", headers=clinic)
    assert [one.status_code for one in (before, added, taken, after)] == [200, 200, 403, 404]
    assert (await meta(world, hospital, f"Observation/{made['id']}/"))["security"] == [PSY]


async def test_deleting_takes_tags_and_profiles_away(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, a_patient(meta={"tag": [TAG, OTHER_TAG], "profile": [PROFILE]}))

    answer = await change(world, hospital, f"Patient/{made['id']}/$meta-delete", tag=[TAG], profile=[PROFILE])

    left = answer.json()["parameter"][0]["valueMeta"]
    assert left["tag"] == [OTHER_TAG]
    assert "profile" not in left
    assert await world.total(hospital, f"Patient?_tag={TAG['code']}") == 0


async def test_another_site_changes_nothing_whether_it_sees_the_resource_or_not(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    hidden = await change(world, clinic, f"Patient/{patient}/$meta-add", tag=[TAG])
    never = await change(world, clinic, "Patient/never/$meta-add", tag=[TAG])
    await world.post(hospital, a_consent(patient, "clinic-c"))

    seen = await change(world, clinic, f"Patient/{patient}/$meta-add", tag=[TAG])

    assert [one.status_code for one in (hidden, never, seen)] == [404, 404, 403]
    assert "tag" not in await meta(world, hospital, f"Patient/{patient}/")


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": [{"name": "other", "valueMeta": {}}]},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueString": "x"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": "x"}}]},
        {"resourceType": "Patient"},
    ],
)
async def test_a_body_without_a_meta_is_refused(world: World, body: dict[str, Any]) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]

    response = await world.http.post(f"/fhir/Patient/{patient}/$meta-add", headers=hospital, json=body)

    assert response.status_code == 400


async def test_if_match_holds(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]

    response = await change(world, {**hospital, "If-Match": 'W/"7"'}, f"Patient/{patient}/$meta-add", tag=[TAG])

    assert response.status_code == 412


async def test_what_is_in_use_is_told_of_visible_resources_only(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    first = await world.post(hospital, a_patient(meta={"tag": [TAG], "profile": [PROFILE]}))
    await world.post(hospital, a_patient(meta={"tag": [TAG]}))
    await world.post(hospital, an_observation(first["id"], meta={"tag": [OTHER_TAG], "security": [PSY]}))

    of_type = await meta(world, hospital, "Patient/")
    of_all = await meta(world, hospital, "")
    stranger = await meta(world, clinic, "")

    assert of_type == {"profile": [PROFILE], "tag": [TAG]}
    assert of_all == {"profile": [PROFILE], "security": [PSY], "tag": [TAG, OTHER_TAG]}
    assert stranger == {}
    told = [event for event in await recorded(world) if event.path == "/fhir/Patient/$meta"]
    assert [event.patient for event in told] == [f"Patient/{first['id']}"]


async def test_a_change_is_on_record(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]

    await change(world, hospital, f"Patient/{patient}/$meta-add", tag=[TAG])

    told = [event for event in await recorded(world) if str(event.path).endswith("$meta-add")]
    assert [(event.action, event.patient, event.entities) for event in told] == [
        ("U", f"Patient/{patient}", (f"Patient/{patient}/_history/2",))
    ]
