"""Ending a case: by who broke the glass, by the secretariat, with the session; at once, in every process."""

import pytest

from app.main import create_app
from tests.glass import a_known_person, break_glass, case_of, reads
from tests.portal import a_browser, an_account, recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_who_broke_the_glass_ends_it(world: World) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")
    await break_glass(browser, known.here)
    number = await case_of(browser)

    ended = await browser.post("/break-glass/end", {"case": number})
    again = await browser.post("/break-glass/end", {"case": number})

    assert [ended.status_code, again.status_code] == [303, 404]
    assert await reads(browser, known.ordinary) == [404]
    assert [one.interaction for one in await recorded(world)].count("break-glass-ended") == 2


async def test_the_secretariat_ends_it_and_a_colleague_does_not(world: World) -> None:
    known = await a_known_person(world)
    browser, office = await signed_in(world, "clinic-c"), await signed_in(world, "secretariat", "secretariat")
    colleague = a_browser(world)
    await colleague.sign_in(await an_account(world, "clinic-c", "doctor", name="dr-two"))
    await break_glass(browser, known.here)
    number = await case_of(browser)

    answers = [await one.post("/break-glass/end", {"case": number}) for one in (colleague, office)]

    assert [one.status_code for one in answers] == [404, 303]
    assert await reads(browser, known.ordinary) == [404]


async def test_it_ends_with_the_session(world: World) -> None:
    known = await a_known_person(world)
    browser, office = await signed_in(world, "clinic-c"), await signed_in(world, "secretariat", "secretariat")
    await break_glass(browser, known.here)

    await browser.post("/sign-out", {})

    case = await office.get(f"/break-glass/cases/{await case_of(office)}")
    assert "doctor-clinic-c が終了" in case.text
    await browser.sign_in("doctor-clinic-c")
    assert await reads(browser, known.ordinary) == [404]


async def test_beginning_and_ending_count_in_another_process_at_its_next_request(world: World) -> None:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")
    app = create_app(world.hub.settings)
    async with app.router.lifespan_context(app):
        elsewhere = a_browser(World(app, app.state.hub, world.http))
        elsewhere.http.cookies = browser.http.cookies
        seen = [await reads(elsewhere, known.ordinary)]
        await break_glass(browser, known.here)
        seen.append(await reads(elsewhere, known.ordinary))
        await browser.post("/break-glass/end", {"case": await case_of(browser)})
        seen.append(await reads(elsewhere, known.ordinary))

    assert seen == [[404], [200], [404]]
