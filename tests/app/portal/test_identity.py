"""The secretariat's page: the queue, two Patients side by side, and the decisions."""

import pytest

from tests.identity import at, names, person, someone
from tests.portal import recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


async def a_pair(world: World) -> tuple[str, str]:
    """Return two Patients who are one person by name and birth date alone."""
    one = await at(world, "hospital-a", someone())
    return one, await at(world, "clinic-c", someone("高橋 喜一郎", "タカハシ キイチロウ", phone="090-1111-2222"))


async def test_the_queue_shows_who_waits_and_why(world: World) -> None:
    one, other = await a_pair(world)
    office = await signed_in(world, "secretariat", "secretariat")

    page = await office.get("/identity?lang=en")

    assert page.status_code == 200
    assert f'href="/identity?one={one}&amp;other={other}"' in page.text
    assert "髙橋 喜一郎" in page.text
    assert "1 pairs" in page.text
    assert {event.patient for event in await recorded(world)} >= {f"Patient/{one}", f"Patient/{other}"}


async def test_the_pair_is_shown_side_by_side_with_its_evidence(world: World) -> None:
    one, other = await a_pair(world)
    office = await signed_in(world, "secretariat", "secretariat")

    page = (await office.get(f"/identity?one={one}&other={other}&lang=en")).text

    assert "Are these one person?" in page
    assert '<tr class="alike"><th scope="row">Names</th>' in page
    assert '<tr class="differs"><th scope="row">Telephone</th>' in page
    assert "Same written name, in other forms of the kanji" in page


async def test_link_then_break_then_take_back(world: World) -> None:
    one, other = await a_pair(world)
    office = await signed_in(world, "secretariat", "secretariat")
    form = {"one": one, "other": other, "reason": "同じ健康保険証を見た"}

    linked = await office.post("/identity", {**form, "act": "link"})
    together = await person(world, one) == await person(world, other)
    page = (await office.get(f"/identity?one={one}&other={other}&lang=en")).text
    broken = await office.post("/identity", {**form, "act": "break", "reason": "人違い"})
    after = (await office.get(f"/identity?one={one}&other={other}&lang=en")).text
    refused = await office.post("/identity", {**form, "act": "link"})
    allowed = await office.post("/identity", {**form, "act": "allow"})

    assert linked.headers["location"] == broken.headers["location"] == allowed.headers["location"] == "/identity?done=1"
    assert together
    assert "Are these still one person?" in page
    assert "同じ健康保険証を見た" in page
    assert await person(world, one) != await person(world, other)
    assert "These are known to be different persons" in after
    assert refused.status_code == 409
    kinds = [(event.interaction, event.outcome) for event in await recorded(world) if "link" in event.interaction]
    assert kinds == [("link", "0"), ("link", "0"), ("unlink", "0"), ("unlink", "0"), ("link", "4"), ("link", "4")]


async def test_later_and_never_take_a_pair_off_the_list(world: World) -> None:
    one, other = await a_pair(world)
    office = await signed_in(world, "secretariat", "secretariat")
    form = {"one": one, "other": other, "reason": "電話で聞く"}

    await office.post("/identity", {**form, "act": "later"})
    waiting = (await office.get("/identity?lang=en")).text
    later = (await office.get("/identity?later=1&lang=en")).text
    await office.post("/identity", {**form, "act": "never", "reason": "父と子"})

    assert "No pair waits." in waiting
    assert "電話で聞く" in later
    assert "No pair waits." in (await office.get("/identity?later=1&lang=en")).text


async def test_a_doubt_that_is_kept_is_not_asked_again(world: World) -> None:
    site = await world.client("clinic-c")
    await at(world, "hospital-a", someone())
    other = await world.post(site, someone())
    wrong = {**other, "name": names("佐藤 花子", "サトウ ハナコ"), "birthDate": "1980-01-01"}
    await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json=wrong)
    office = await signed_in(world, "secretariat", "secretariat")
    page = (await office.get("/identity?lang=en")).text
    pair = page.split("/identity?one=")[1].split('"')[0].split("&amp;other=")

    await office.post("/identity", {"one": pair[0], "other": pair[1], "act": "keep", "reason": "改名"})
    await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json={**wrong, "active": True})

    assert "Link in doubt" in page
    assert "No pair waits." in (await office.get("/identity?lang=en")).text


async def test_a_decision_needs_a_reason_and_two_patients(world: World) -> None:
    one, other = await a_pair(world)
    office = await signed_in(world, "secretariat", "secretariat")

    silent = await office.post("/identity", {"one": one, "other": other, "act": "link", "reason": " "})
    alone = await office.post("/identity", {"one": one, "other": one, "act": "link", "reason": "x"})
    nobody = await office.post("/identity", {"one": one, "other": "nobody", "act": "link", "reason": "x"})
    nothing = await office.post("/identity", {"one": one, "other": other, "act": "marry", "reason": "x"})

    assert [answer.status_code for answer in (silent, alone, nobody, nothing)] == [400, 400, 404, 400]
    assert 'role="alert"' in silent.text
    assert (await office.get(f"/identity?one={one}&other={one}")).status_code == 404
    assert (await office.get("/identity?after=99999999999999999999")).status_code == 200


@pytest.mark.parametrize("role", ["doctor", "clerk", "auditor"])
async def test_nobody_but_the_secretariat_opens_the_page(world: World, role: str) -> None:
    one, other = await a_pair(world)
    person_of_site = await signed_in(world, "hospital-a", role)

    assert (await person_of_site.get("/identity")).status_code == 403
    answer = await person_of_site.post("/identity", {"one": one, "other": other, "act": "link", "reason": "x"})
    assert answer.status_code == 403
    assert await person(world, one) != await person(world, other)
