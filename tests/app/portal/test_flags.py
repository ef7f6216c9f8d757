"""未告知 and 未提供, set at the desk and honoured everywhere."""

import pytest

from tests.portal import Browser, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def a_result(world: World) -> tuple[Browser, str]:
    """Return a doctor of hospital-a, and a result of hospital-a that clinic-c may read."""
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    made = await world.post(hospital, an_observation(patient))
    return await signed_in(world, "hospital-a"), f"Observation/{made['id']}"


@pytest.mark.parametrize(("flag", "status"), [("UNDELIVERED", 404), ("UNINFORMED", 200)])
async def test_a_doctor_marks_a_record_of_the_own_site(world: World, flag: str, status: int) -> None:
    doctor, result = await a_result(world)

    answer = await doctor.post(f"/flags/{result}", {"flag": flag})

    assert answer.status_code == 303, answer.text
    assert (await world.http.get(f"/fhir/{result}", headers=await world.client("clinic-c"))).status_code == status
    own = (await world.http.get(f"/fhir/{result}", headers=await world.client("hospital-a"))).json()
    assert [one["code"] for one in own["meta"]["security"]] == [flag]
    assert own["valueQuantity"] == {"value": 6.3, "unit": "%"}
    assert "設定されています" in (await doctor.get(f"/flags/{result}")).text


async def test_a_record_of_another_site_is_marked_there(world: World) -> None:
    _, result = await a_result(world)
    clinic, stranger = await signed_in(world, "clinic-c"), await signed_in(world, "clinic-d")

    answers = [(await one.post(f"/flags/{result}", {"flag": "UNDELIVERED"})).status_code for one in (clinic, stranger)]

    assert answers == [403, 404]


async def test_what_is_no_mark_is_refused(world: World) -> None:
    doctor, result = await a_result(world)

    assert (await doctor.post(f"/flags/{result}", {"flag": "N"})).status_code == 400
    assert (await doctor.post("/flags/Patient/p", {"flag": "UNDELIVERED"})).status_code == 404
