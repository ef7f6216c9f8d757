"""Summaries that are kept, and those on demand: found like documents, retrieved under the reader's own rights."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest

from fhir.store.labels import ACT_CODE
from tests.app.records.summary.test_summary import a_problem, ask, held, two_sites
from tests.portal import recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

TYPE = "http://loinc.org|60591-5"
FORMAT = "urn:ietf:rfc:3986|http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"


async def keep(world: World, caller: dict[str, str], patient: str, how: str, status: int = 201) -> dict[str, Any]:
    answer = await world.http.post(f"/fhir/Patient/{patient}/$summary?persist={how}", headers=caller)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def entries(world: World, caller: dict[str, str], patient: str, query: str = "") -> list[dict[str, Any]]:
    """Return the DocumentReferences of a patient as ITI-67 finds them."""
    asked = f"DocumentReference?patient={patient}&status=current&type={TYPE}&format={FORMAT}{query}"
    found = await ask(world, caller, asked)
    return [one["resource"] for one in found.get("entry", ())]


async def test_a_summary_on_demand_is_found_and_retrieved_under_the_readers_own_rights(world: World) -> None:
    hospital, clinic, one, other = await two_sites(world)
    secret = {"security": [{"system": ACT_CODE, "code": "PSY"}]}
    shown, hidden = [
        await world.post(hospital, a_problem(one, code, **more))
        for code, more in (("I10", {}), ("F20", {"meta": secret}))
    ]
    own = await world.post(clinic, a_problem(other, "E11"))

    made = await keep(world, hospital, one, "on-demand")
    again = await keep(world, hospital, one, "on-demand", 200)
    found = {name: await entries(world, caller, one) for name, caller in (("hospital", hospital), ("clinic", clinic))}
    stranger = await world.client("clinic-d")

    assert made == again
    assert found == {"hospital": [made], "clinic": [made]}
    assert (await world.http.get(f"/fhir/DocumentReference?patient={one}", headers=stranger)).json()["total"] == 0
    attachment = made["content"][0]["attachment"]
    assert not {"size", "hash", "creation", "data"} & attachment.keys()
    retrieved = [
        held(await ask(world, caller, urlsplit(attachment["url"]).path.removeprefix("/fhir/")))
        for caller in (hospital, clinic)
    ]
    assert [{f"Condition/{one['id']}" for one in (shown, hidden, own)} & one for one in retrieved] == [
        {f"Condition/{shown['id']}", f"Condition/{hidden['id']}"},
        {f"Condition/{shown['id']}", f"Condition/{own['id']}"},
    ]
    events = [one for one in await recorded(world) if str(one.path).endswith("$summary") and one.method == "GET"]
    assert {one.organisation for one in events} == {"Organization/hospital-a", "Organization/clinic-c"}


async def test_a_snapshot_stays_as_it_was_and_says_what_it_is_one_of(world: World) -> None:
    hospital, clinic, one, other = await two_sites(world)
    told = await world.post(hospital, a_problem(one))
    elsewhere = await world.post(clinic, a_problem(other, "E11"))

    kept = await keep(world, hospital, one, "true")
    before = await world.total(hospital, "Condition?_summary=count")
    later = await world.post(hospital, a_problem(one, "N18"))

    again = await ask(world, hospital, f"Bundle/{kept['id']}")
    assert again == kept
    assert f"Condition/{told['id']}" in held(again)
    assert not {f"Condition/{elsewhere['id']}", f"Condition/{later['id']}"} & held(again)
    assert before == 1
    listed = {
        one["content"][0]["attachment"]["url"].rpartition("/fhir/")[2]: one for one in await entries(world, clinic, one)
    }
    snapshot, on_demand = listed[f"Bundle/{kept['id']}"], listed[f"Patient/{one}/$summary"]
    assert snapshot["relatesTo"] == [
        {"code": "transforms", "target": {"reference": f"DocumentReference/{on_demand['id']}"}}
    ]
    assert (await ask(world, clinic, f"Bundle/{kept['id']}"))["id"] == kept["id"]
    assert len(await entries(world, hospital, one, f"&relatesto=DocumentReference/{on_demand['id']}")) == 1


async def test_a_snapshot_is_as_sensitive_as_what_it_holds(world: World) -> None:
    hospital, clinic, one, _ = await two_sites(world)
    await world.post(hospital, a_problem(one, meta={"security": [{"system": ACT_CODE, "code": "PSY"}]}))

    kept = await keep(world, hospital, one, "snapshot")

    assert kept["meta"]["security"] == [{"system": ACT_CODE, "code": "PSY"}]
    assert (await world.http.get(f"/fhir/Bundle/{kept['id']}", headers=clinic)).status_code == 404
    assert [urlsplit(one["content"][0]["attachment"]["url"]).path for one in await entries(world, clinic, one)] == [
        f"/fhir/Patient/{one}/$summary"
    ]


async def test_a_label_that_a_part_is_given_later_reaches_the_snapshot(world: World) -> None:
    hospital, clinic, one, _ = await two_sites(world)
    problem, other = [await world.post(hospital, a_problem(one, code)) for code in ("F20", "I10")]
    kept = await keep(world, hospital, one, "snapshot")
    described = next(found for found in await entries(world, clinic, one) if "relatesTo" in found)
    addresses = [f"/fhir/{link}" for link in (f"Bundle/{kept['id']}", f"DocumentReference/{described['id']}")]
    before = [(await world.http.get(address, headers=clinic)).status_code for address in addresses]

    secret = problem | {"meta": {"security": [{"system": ACT_CODE, "code": "PSY"}]}}
    put = await world.http.put(f"/fhir/Condition/{problem['id']}", headers=hospital, json=secret)

    after = [(await world.http.get(address, headers=clinic)).status_code for address in addresses]
    assert (before, put.status_code, after) == ([200, 200], 200, [404, 404])
    # The other parts are no more sensitive than they were.
    assert (await world.http.get(f"/fhir/Condition/{other['id']}", headers=clinic)).status_code == 200
    assert (await world.http.get(addresses[0], headers=hospital)).status_code == 200


async def test_a_label_of_the_snapshot_is_none_of_its_parts(world: World) -> None:
    hospital, clinic, one, _ = await two_sites(world)
    problem = await world.post(hospital, a_problem(one))
    kept = await keep(world, hospital, one, "snapshot")
    described = next(found for found in await entries(world, clinic, one) if "relatesTo" in found)
    secret = described | {"meta": {"security": [{"system": ACT_CODE, "code": "PSY"}]}}

    put = await world.http.put(f"/fhir/DocumentReference/{described['id']}", headers=hospital, json=secret)

    assert put.status_code == 200, put.text
    assert (await world.http.get(f"/fhir/Bundle/{kept['id']}", headers=clinic)).status_code == 404
    assert (await world.http.get(f"/fhir/Condition/{problem['id']}", headers=clinic)).status_code == 200


async def test_only_the_patients_own_site_keeps_a_summary_and_only_by_post(world: World) -> None:
    hospital, clinic, one, _ = await two_sites(world)

    answers = [
        await world.http.post(f"/fhir/Patient/{one}/$summary?persist={how}", headers=clinic)
        for how in ("snapshot", "on-demand")
    ]
    by_get = await world.http.get(f"/fhir/Patient/{one}/$summary?persist=true", headers=hospital)

    assert [answer.status_code for answer in answers] == [403, 403]
    assert by_get.status_code == 400
    assert await world.total(hospital, "DocumentReference?_summary=count") == 0
    assert await world.total(hospital, "Bundle?_summary=count") == 0


async def test_nothing_is_kept_of_a_patient_that_was_deleted_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.records.summary import keep as module

    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    making = module.make

    async def make_and_delete(*given: Any) -> Any:
        made = await making(*given)
        assert (await world.http.delete(f"/fhir/Patient/{patient}", headers=hospital)).status_code == 204
        return made

    monkeypatch.setattr(module, "make", make_and_delete)
    answer = await world.http.post(f"/fhir/Patient/{patient}/$summary?persist=snapshot", headers=hospital)

    assert answer.status_code == 422, answer.text
    assert await world.total(hospital, "Bundle?_summary=count") == 0
    assert await world.total(hospital, "DocumentReference?_summary=count") == 0


async def test_however_many_ask_at_once_there_is_one_entry(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]

    answers = await asyncio.gather(
        *(world.http.post(f"/fhir/Patient/{patient}/$summary?persist=on-demand", headers=hospital) for _ in range(4))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len(await entries(world, hospital, patient)) == 1


async def test_where_the_region_wants_it_each_new_patient_has_an_entry(world: World) -> None:
    hospital = await world.client("hospital-a")
    before = (await world.post(hospital, a_patient()))["id"]
    world.hub.settings = world.hub.settings.model_copy(update={"summaries_on_demand": True})

    new = (await world.post(hospital, a_patient(birthDate="1990-01-01")))["id"]
    put = await world.http.put(
        "/fhir/Patient/hospital-a-1", headers=hospital, json=a_patient(id="hospital-a-1", birthDate="1991-01-01")
    )
    changed = await world.http.put(f"/fhir/Patient/{before}", headers=hospital, json=a_patient(id=before))

    assert (put.status_code, changed.status_code) == (201, 200)
    listed = {one: len(await entries(world, hospital, one)) for one in (before, new, "hospital-a-1")}
    assert listed == {before: 0, new: 1, "hospital-a-1": 1}
    assert (await keep(world, hospital, new, "on-demand", 200))["subject"] == {"reference": f"Patient/{new}"}


async def test_a_person_opens_both_from_the_chart(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_problem(patient))
    kept = await keep(world, hospital, patient, "snapshot")
    browser = await signed_in(world, "hospital-a")

    on_demand, snapshot = [
        (await browser.get(f"/documents/DocumentReference/{one['id']}"))
        for one in sorted(await entries(world, hospital, patient), key=lambda one: "relatesTo" in one)
    ]

    assert on_demand.headers["location"] == f"/patients/{patient}/summary"
    assert snapshot.headers["location"] == f"/documents/Bundle/{kept['id']}"
    page = await browser.get(snapshot.headers["location"])
    assert page.status_code == 200
    assert "高血圧症" in page.text
