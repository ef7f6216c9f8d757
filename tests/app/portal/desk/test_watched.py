import pytest

from tests.desk import a_known, a_look, kinds_after
from tests.portal import recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_who_is_on_the_list_is_flagged_until_taken_off(world: World) -> None:
    office, patient = await signed_in(world, "secretariat", "secretariat"), await a_known(world)
    page = await office.get(f"/watched?patient={patient.id}")
    assert "山田 太郎" in page.text

    put = await office.post("/watched", {"patient": patient.id, "why": "報道された方", "act": "watch"})
    flagged = await kinds_after(world, a_look(world, patient))
    taken = await office.post("/watched", {"patient": patient.id, "why": "もう心配ない", "act": "leave"})

    assert (put.status_code, taken.status_code) == (303, 303)
    assert flagged == [("vip", "tanaka")]
    assert await kinds_after(world, a_look(world, patient, "suzuki")) == flagged
    said = [one for one in await recorded(world) if one.interaction == "admin"]
    assert [(one.patient, "報道" in str(one.description)) for one in said] == [
        (patient.reference, True),
        (patient.reference, False),
    ]


async def test_what_cannot_be_done_is_said(world: World) -> None:
    office, patient = await signed_in(world, "secretariat", "secretariat"), await a_known(world)
    form = {"patient": patient.id, "why": "a", "act": "watch"}

    silent = await office.post("/watched", form | {"why": ""})
    absent = await office.post("/watched", form | {"act": "leave"})
    nobody = await office.post("/watched", form | {"patient": "nobody"})
    first, again = await office.post("/watched", form), await office.post("/watched", form)

    assert [one.status_code for one in (silent, absent, nobody, first, again)] == [400, 409, 404, 303, 409]
    assert patient.id in (await office.get("/watched?q=山田")).text
    assert f'name="patient" value="{patient.id}"' in silent.text


@pytest.mark.parametrize("role", ["doctor", "clerk", "auditor", "operator", "patient"])
async def test_the_list_is_the_secretariats(world: World, role: str) -> None:
    browser = await signed_in(world, "clinic-c", role)

    assert (await browser.get("/watched")).status_code == 403
    assert (await browser.post("/watched", {})).status_code == 403
