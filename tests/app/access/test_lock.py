import pytest

from tests.people import later
from tests.portal import PASSWORD, SAME_SITE, Browser, a_browser, recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def unlock(browser: Browser, **form: str) -> tuple[int, str]:
    """Send the form of the locked screen, with its own token."""
    page = await browser.get("/unlock")
    token = page.text.split('name="csrf" value="')[1][:64]
    done = await browser.http.post("/unlock", data={"csrf": token, **form}, headers=SAME_SITE)
    return done.status_code, done.headers.get("location", "")


async def test_a_session_left_alone_is_locked_and_the_password_leads_back(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    later(world, 16)

    asked = await browser.get("/patients?q=a")
    locked = await browser.get(asked.headers["location"])
    wrong = await unlock(browser, password="wrong-password-1")
    right = await unlock(browser, password=PASSWORD, next="/patients?q=a")

    assert asked.headers["location"] == "/unlock?next=%2Fpatients%3Fq%3Da"
    assert locked.status_code == 200
    assert 'name="next" value="/patients?q=a"' in locked.text
    assert [wrong, right] == [(401, ""), (303, "/patients?q=a")]
    assert (await browser.get("/patients")).status_code == 200


async def test_a_locked_session_opens_no_other_door(world: World) -> None:
    patient = (await world.post(await world.client("clinic-c"), a_patient()))["id"]
    browser = await signed_in(world, "clinic-c")
    await browser.post("/lock", {"next": f"/patients/{patient}"})

    opened = [
        (await browser.get(path)).status_code
        for path in (f"/fhir/Patient/{patient}", f"/patients/{patient}", "/", "/session", "/accounts", "/password")
    ]

    assert opened == [401, 303, 303, 303, 303, 303]
    assert "1960-01-02" not in (await browser.get("/unlock")).text


async def test_locking_keeps_the_page_to_come_back_to(world: World) -> None:
    browser = await signed_in(world, "clinic-c")

    answer = await browser.post("/lock", {"next": "/consents?q=a"})
    elsewhere = await unlock(browser, password=PASSWORD, next="//elsewhere.example")

    assert answer.headers["location"] == "/unlock?next=%2Fconsents%3Fq%3Da"
    assert elsewhere == (303, "/")


async def test_guesses_at_the_locked_screen_make_the_account_wait(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    await browser.post("/lock", {})
    for _ in range(world.hub.settings.password_attempts):
        await unlock(browser, password="wrong-password-1")

    assert (await unlock(browser, password=PASSWORD))[0] == 401
    later(world, 6)
    assert (await unlock(browser, password=PASSWORD))[0] == 303


async def test_a_locked_session_still_ends_after_half_a_day(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    await browser.post("/lock", {})
    later(world, 12 * 60)

    assert (await browser.get("/unlock")).headers["location"] == "/"


async def test_whoever_stands_before_a_locked_screen_may_sign_out(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    await browser.post("/lock", {})

    done = await unlock(browser, act="sign-out")

    assert done == (303, "/")
    assert "renkei_session" not in browser.http.cookies
    assert [one.interaction for one in await recorded(world)][-1] == "sign-out"


async def test_a_form_of_another_session_unlocks_nothing(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    await browser.post("/lock", {})

    bare = await browser.http.post("/unlock", data={"password": PASSWORD}, headers=SAME_SITE)

    assert bare.status_code == 403
    assert (await browser.get("/patients")).status_code == 303


async def test_somebody_who_types_a_long_form_is_still_here(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    for _ in range(4):
        later(world, 10)
        assert (await browser.get("/session")).status_code == 204

    assert (await browser.get("/patients")).status_code == 200


async def test_without_a_session_there_is_nothing_to_unlock(world: World) -> None:
    browser = a_browser(world)

    assert (await browser.get("/unlock")).headers["location"] == "/"
    assert (await browser.http.post("/unlock", data={}, headers=SAME_SITE)).headers["location"] == "/"


async def test_an_open_session_is_led_where_it_was(world: World) -> None:
    browser = await signed_in(world, "clinic-c")

    assert (await browser.get("/unlock?next=/consents")).headers["location"] == "/consents"


async def test_locking_and_unlocking_are_audit_events(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    await browser.post("/lock", {})
    await unlock(browser, password="wrong-password-1")
    await unlock(browser, password=PASSWORD)

    found = [(one.interaction, one.outcome, one.user) for one in await recorded(world)]

    person = "doctor-clinic-c"
    assert found[-3:] == [
        ("session-locked", "0", person),
        ("session-unlocked", "8", person),
        ("session-unlocked", "0", person),
    ]


async def test_own_sessions_are_listed_and_ended_one_by_one(world: World) -> None:
    one, other, somebody = await signed_in(world, "clinic-c"), a_browser(world), await signed_in(world, "clinic-d")
    await other.http.post(
        "/sign-in",
        data={"name": "doctor-clinic-c", "password": PASSWORD},
        headers=SAME_SITE | {"user-agent": "Tablet 9"},
    )
    page = (await one.get("/account")).text
    listed = [part.split('"')[0] for part in page.split('name="id" value="')[1:]]
    theirs = (await somebody.get("/account")).text

    await somebody.post("/account/sessions", {"id": listed[0]})
    kept = (await other.get("/patients")).status_code
    await one.post("/account/sessions", {"id": listed[0]})
    await one.post("/account/sessions", {"id": "no hexadecimal"})

    assert len(listed) == 1
    assert "Tablet 9" in page
    assert "Tablet 9" not in theirs
    assert [kept, (await other.get("/patients")).status_code] == [200, 303]
    assert (await one.get("/patients")).status_code == 200
