import pytest

from app.access.tables import account, session
from tests.portal import PASSWORD, SAME_SITE, Browser, a_browser, an_account, recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio

MINUTE = 60_000_000


def later(world: World, minutes: float) -> None:
    """Move the hub's clock on."""
    clock = world.hub.clock
    moved = lambda: clock() + int(minutes * MINUTE)  # noqa: E731 - a clock is a function
    world.hub.clock = moved
    world.hub.callers._clock = moved


async def opens(browser: Browser) -> bool:
    """Return whether the session still opens a page."""
    return (await browser.get("/patients")).status_code == 200


async def test_the_right_password_begins_a_session(world: World) -> None:
    browser = a_browser(world)
    name = await an_account(world, "clinic-c", "doctor")

    answer = await browser.sign_in(name)

    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    assert cookie.startswith("renkei_session=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert await opens(browser)


async def test_the_cookie_is_kept_as_a_digest_only(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    secret = browser.http.cookies["renkei_session"]

    rows = await world.hub.database.reader.fetch(session.select(), {})

    assert len(rows) == 1
    assert len(bytes(rows[0][0])) == 32
    assert secret not in str(rows)


@pytest.mark.parametrize(
    ("name", "password"),
    [("doctor-clinic-c", "wrong-password-1"), ("nobody", PASSWORD), ("", ""), ("doctor-clinic-c", "")],
    ids=["wrong password", "unknown name", "nothing", "no password"],
)
async def test_a_refused_sign_in_never_says_why(world: World, name: str, password: str) -> None:
    await an_account(world, "clinic-c", "doctor")
    reference = await a_browser(world).sign_in("doctor-clinic-c", "another-wrong-1")

    answer = await a_browser(world).sign_in(name, password)

    assert answer.status_code == 401
    assert answer.text == reference.text
    assert "set-cookie" not in answer.headers


async def test_an_account_waits_after_too_many_wrong_passwords(world: World) -> None:
    name = await an_account(world, "clinic-c", "doctor")
    for _ in range(world.hub.settings.password_attempts):
        await a_browser(world).sign_in(name, "wrong-password-1")

    at_once = await a_browser(world).sign_in(name)
    later(world, 6)
    after = await a_browser(world).sign_in(name)

    assert [at_once.status_code, after.status_code] == [401, 303]


async def test_one_wrong_password_less_does_not_make_an_account_wait(world: World) -> None:
    name = await an_account(world, "clinic-c", "doctor")
    for _ in range(world.hub.settings.password_attempts - 1):
        await a_browser(world).sign_in(name, "wrong-password-1")

    assert (await a_browser(world).sign_in(name)).status_code == 303


async def test_a_session_ends_when_it_is_left_alone(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    later(world, 14)
    in_time = await opens(browser)
    later(world, 14)
    again_in_time = await opens(browser)
    later(world, 16)

    too_late = await opens(browser)

    assert [in_time, again_in_time, too_late] == [True, True, False]


async def test_a_session_ends_after_half_a_day_whatever_happens(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    for _ in range(71):
        later(world, 10)
        assert await opens(browser)

    later(world, 11)

    assert not await opens(browser)


async def test_its_use_is_noted_once_a_minute_at_most(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    begun = (await world.hub.database.reader.fetch(session.select(), {}))[0][4]
    await opens(browser)
    at_once = (await world.hub.database.reader.fetch(session.select(), {}))[0][4]
    later(world, 1.5)
    await opens(browser)

    after = (await world.hub.database.reader.fetch(session.select(), {}))[0][4]

    assert at_once == begun
    assert after >= begun + MINUTE


async def test_signing_out_ends_the_session_at_the_hub_too(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    secret = browser.http.cookies["renkei_session"]

    answer = await browser.post("/sign-out", {})

    stolen = a_browser(world)
    stolen.http.cookies.set("renkei_session", secret)
    assert answer.status_code == 303
    assert "renkei_session" not in browser.http.cookies
    assert not await opens(stolen)


async def test_signing_out_everywhere_ends_the_other_sessions_of_the_person_alone(world: World) -> None:
    one, somebody = await signed_in(world, "clinic-c"), await signed_in(world, "clinic-d")
    other = a_browser(world)
    await other.sign_in("doctor-clinic-c")

    await one.post("/sign-out", {"everywhere": "1"})

    assert [await opens(one), await opens(other), await opens(somebody)] == [False, False, True]


async def test_the_first_sign_in_leads_to_a_new_password_and_nowhere_else(world: World) -> None:
    name = await an_account(world, "clinic-c", "doctor", must_change=True)
    browser = a_browser(world)
    await browser.sign_in(name)
    before = await browser.get("/patients")
    form = {"present": PASSWORD, "password": "Wakkanai-2027-wind", "again": "Wakkanai-2027-wind"}

    changed = await browser.post("/password", form)

    assert before.headers["location"] == "/password"
    assert (await browser.get("/")).headers["location"] == "/patients"
    assert changed.headers["location"] == "/"
    assert await opens(browser)
    assert (await a_browser(world).sign_in(name)).status_code == 401
    assert (await a_browser(world).sign_in(name, "Wakkanai-2027-wind")).status_code == 303


async def test_a_home_of_somebody_who_must_change_the_password_is_that_form(world: World) -> None:
    browser = a_browser(world)
    await browser.sign_in(await an_account(world, "clinic-c", "doctor", must_change=True))

    assert (await browser.get("/")).headers["location"] == "/password"


@pytest.mark.parametrize(
    ("present", "new", "again", "text"),
    [
        ("wrong-password-1", "Wakkanai-2027-wind", "Wakkanai-2027-wind", "現在のパスワードが違います"),
        (PASSWORD, "short-1", "short-1", "規則に合いません"),
        (PASSWORD, PASSWORD, PASSWORD, "規則に合いません"),
        (PASSWORD, "xx-doctor-clinic-c-1", "xx-doctor-clinic-c-1", "規則に合いません"),
        (PASSWORD, "Wakkanai-2027-wind", "Wakkanai-2027-wine", "確認と一致しません"),
    ],
    ids=["wrong present one", "too short", "the same", "holds the name", "differ"],
)
async def test_a_password_is_not_changed_when(world: World, present: str, new: str, again: str, text: str) -> None:
    browser = await signed_in(world, "clinic-c")

    answer = await browser.post("/password", {"present": present, "password": new, "again": again})

    assert answer.status_code == 400
    assert text in answer.text
    assert (await a_browser(world).sign_in("doctor-clinic-c")).status_code == 303


async def test_a_new_password_ends_the_other_sessions(world: World) -> None:
    one, other = await signed_in(world, "clinic-c"), a_browser(world)
    await other.sign_in("doctor-clinic-c")
    form = {"present": PASSWORD, "password": "Wakkanai-2027-wind", "again": "Wakkanai-2027-wind"}

    await one.post("/password", form)

    assert [await opens(one), await opens(other)] == [True, False]


async def test_guesses_at_the_present_password_make_the_account_wait(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    form = {"password": "Wakkanai-2027-wind", "again": "Wakkanai-2027-wind"}
    for _ in range(world.hub.settings.password_attempts):
        await browser.post("/password", {**form, "present": "wrong-password-1"})

    answer = await browser.post("/password", {**form, "present": PASSWORD})

    assert answer.status_code == 400


async def test_each_step_is_an_audit_event(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    await a_browser(world).sign_in("doctor-clinic-c", "wrong-password-1")
    await a_browser(world).sign_in("my-password-typed-as-a-name", "x")
    form = {"present": PASSWORD, "password": "Wakkanai-2027-wind", "again": "Wakkanai-2027-wind"}
    await browser.post("/password", form)
    await browser.post("/sign-out", {})

    found = [(one.interaction, one.outcome, one.user) for one in await recorded(world) if one.method == "POST"]

    person = "doctor-clinic-c"
    assert found == [
        ("sign-in", "0", person),
        ("sign-in", "8", person),
        ("sign-in", "8", None),
        ("account", "0", person),
        ("sign-out", "0", person),
    ]
    assert "my-password" not in str(await recorded(world))


async def test_the_record_says_why_a_sign_in_was_refused(world: World) -> None:
    name = await an_account(world, "clinic-c", "doctor")
    async with world.hub.database.write() as connection:
        await connection.execute(account.update().values(disabled=1), {})

    answer = await a_browser(world).sign_in(name)

    assert answer.status_code == 401
    assert (await recorded(world))[-1].outcome_desc == "The account is disabled"


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://elsewhere.example"}],
    ids=["another site", "a neighbour", "by its origin"],
)
async def test_no_other_site_signs_anybody_in(world: World, headers: dict[str, str]) -> None:
    name = await an_account(world, "clinic-c", "doctor")

    answer = await a_browser(world).http.post("/sign-in", data={"name": name, "password": PASSWORD}, headers=headers)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_form_without_the_sessions_token_does_nothing(world: World) -> None:
    browser, other = await signed_in(world, "clinic-c"), await signed_in(world, "clinic-d")

    bare = await browser.http.post("/sign-out", data={}, headers=SAME_SITE)
    others = await browser.http.post("/sign-out", data={"csrf": await other.token()}, headers=SAME_SITE)

    assert [bare.status_code, others.status_code] == [403, 403]
    assert await opens(browser)


async def test_a_form_is_not_read_before_somebody_is_known(world: World) -> None:
    answer = await a_browser(world).http.post("/consents", data={"csrf": "x"}, headers=SAME_SITE)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
