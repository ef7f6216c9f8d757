import asyncio

import pytest

from app.access import recovery, second_step
from app.access.known import by_name
from app.access.person_tables import standing
from app.access.sessions import SecondFactorNeeded, SignInRefused, sign_in
from app.access.tables import session
from app.settings import Settings
from tests.people import code, later, second, with_app
from tests.portal import PASSWORD, Browser, a_browser, an_account, recorded, signed_in
from tests.world import World, running

pytestmark = pytest.mark.anyio

NAME = "doctor-clinic-c"


async def at_the_second_step(world: World) -> tuple[Browser, str]:
    """Return a browser whose password was right, and the secret of the person's app."""
    secret = await with_app(world, await an_account(world, "clinic-c", "doctor"))
    browser = a_browser(world)
    await browser.sign_in(NAME)
    return browser, secret


async def sessions_of(world: World) -> int:
    return len(await world.hub.database.reader.fetch(session.select(), {}))


async def test_the_password_alone_begins_no_session(world: World) -> None:
    secret = await with_app(world, await an_account(world, "clinic-c", "doctor"))
    browser = a_browser(world)

    answer = await browser.sign_in(NAME, next="/patients?q=a")

    assert answer.headers["location"] == "/sign-in/second?next=%2Fpatients%3Fq%3Da"
    assert "renkei_session" not in browser.http.cookies
    assert await sessions_of(world) == 0
    assert (await browser.get("/patients")).headers["location"].startswith("/?next=")
    assert (await browser.get("/fhir/Patient")).status_code == 401
    done = await second(browser, code=code(world, secret), next="/patients?q=a")
    assert done.headers["location"] == "/patients?q=a"
    assert (await browser.get("/patients")).status_code == 200


async def test_a_code_is_good_once(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    used = code(world, secret)
    assert (await second(browser, code=used)).status_code == 303
    other = a_browser(world)
    await other.sign_in(NAME)

    again = await second(other, code=used)
    older = await second(other, code=code(world, secret, steps=-1))

    assert [again.status_code, older.status_code] == [401, 401]
    later(world, 1)
    assert (await second(other, code=code(world, secret))).status_code == 303


async def test_of_two_uses_of_a_code_at_once_one_is_refused(world: World) -> None:
    _, secret = await at_the_second_step(world)
    used, steps = code(world, secret), []
    for _ in range(4):
        with pytest.raises(SecondFactorNeeded) as needed:
            await sign_in(world.hub, NAME, PASSWORD)
        steps.append(needed.value.secret)

    done = await asyncio.gather(
        *(second_step.finish(world.hub, step, second_step.Given(used)) for step in steps), return_exceptions=True
    )

    assert sorted(isinstance(one, SignInRefused) for one in done) == [False, True, True, True]
    assert await sessions_of(world) == 1


async def test_of_two_uses_of_a_recovery_code_at_once_one_is_refused(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    await second(browser, code=code(world, secret))
    caller = await world.hub.callers.by_session(browser.http.cookies["renkei_session"])
    codes = await recovery.renew(world.hub, caller)
    steps = []
    for _ in range(4):
        with pytest.raises(SecondFactorNeeded) as needed:
            await sign_in(world.hub, NAME, PASSWORD)
        steps.append(needed.value.secret)

    done = await asyncio.gather(
        *(second_step.finish(world.hub, step, second_step.Given(codes[0])) for step in steps), return_exceptions=True
    )

    assert sorted(isinstance(one, SignInRefused) for one in done) == [False, True, True, True]
    assert (await recorded(world))[-1].interaction == "sign-in"


async def test_recovery_codes_are_kept_as_digests_and_new_ones_replace_them(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    await second(browser, code=code(world, secret))
    caller = await world.hub.callers.by_session(browser.http.cookies["renkei_session"])
    first = await recovery.renew(world.hub, caller)
    rows = await world.hub.database.reader.fetch(recovery.recovery_code.select(), {})
    await recovery.renew(world.hub, caller)
    other = a_browser(world)
    await other.sign_in(NAME)

    assert len(first) == len(rows) == len(set(first)) == 10
    assert not any(one in str(rows) for one in first)
    assert (await second(other, code=first[0])).status_code == 401


async def test_a_recovery_code_is_read_as_people_type_it(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    await second(browser, code=code(world, secret))
    caller = await world.hub.callers.by_session(browser.http.cookies["renkei_session"])
    codes = await recovery.renew(world.hub, caller)

    for typed in (codes[0].lower(), codes[1].replace("-", " "), codes[2].replace("-", "")):
        other = a_browser(world)
        await other.sign_in(NAME)
        assert (await second(other, code=typed)).status_code == 303
    assert "By password recovery" in [one.description for one in await recorded(world)]


async def test_guesses_make_the_account_wait_and_a_right_password_forgives_none(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    for _ in range(world.hub.settings.password_attempts):
        await browser.sign_in(NAME)
        assert (await second(browser, code="000000")).status_code == 401

    waiting = await second(browser, code=code(world, secret))
    at_once = await a_browser(world).sign_in(NAME)
    later(world, 6)
    await browser.sign_in(NAME)
    after = await second(browser, code=code(world, secret))

    assert [waiting.status_code, at_once.status_code, after.status_code] == [401, 401, 303]
    assert "The account waits after too many wrong passwords" in [one.outcome_desc for one in await recorded(world)]


async def test_guesses_at_once_are_counted_as_well(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    right = code(world, secret)

    await asyncio.gather(*(second(browser, code=f"{guess:06d}") for guess in range(30)))

    assert (await second(browser, code=right)).status_code == 401


async def test_a_step_is_awaited_for_five_minutes_and_used_once(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    stolen = browser.http.cookies["renkei_step"]
    assert (await second(browser, code=code(world, secret))).status_code == 303
    thief = a_browser(world)
    thief.http.cookies.set("renkei_step", stolen)
    later(world, 1)
    assert (await second(thief, code=code(world, secret))).headers["location"] == "/"
    late = a_browser(world)
    await late.sign_in(NAME)
    later(world, 6)

    assert (await second(late, code=code(world, secret))).headers["location"] == "/"
    assert (await late.get("/sign-in/second")).headers["location"] == "/"


async def test_a_session_is_a_fresh_one_whatever_the_browser_brings(world: World) -> None:
    browser, secret = await at_the_second_step(world)
    step = browser.http.cookies["renkei_step"]
    browser.http.cookies.set("renkei_session", "chosen-by-somebody-else")
    browser.http.cookies.delete("renkei_session")

    answer = await second(browser, code=code(world, secret))

    made = answer.headers.get_list("set-cookie")[0]
    assert made.startswith("renkei_session=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(made.split("; "))
    assert step not in made
    for value in (step, "chosen-by-somebody-else"):
        thief = a_browser(world)
        thief.http.cookies.set("renkei_session", value)
        assert (await thief.get("/patients")).status_code == 303


async def test_no_other_site_sends_these_forms(world: World) -> None:
    browser = await signed_in(world, "clinic-c")

    for path in ("/sign-in/second", "/sign-in/passkey", "/unlock"):
        answer = await browser.http.post(path, data={"code": "1"}, headers={"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403


async def test_names_cannot_be_told_by_the_second_step(world: World) -> None:
    await with_app(world, await an_account(world, "clinic-c", "doctor"))
    known = await a_browser(world).sign_in(NAME, "wrong-password-1")
    plain = await a_browser(world).sign_in(await an_account(world, "clinic-d", "nurse"), "wrong-password-1")
    unknown = await a_browser(world).sign_in("nobody", "wrong-password-1")

    assert known.text == plain.text == unknown.text
    assert known.headers.keys() == plain.headers.keys() == unknown.headers.keys()


async def test_an_unknown_name_costs_as_many_statements_as_a_known_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await with_app(world, await an_account(world, "clinic-c", "doctor"))
    counts = []
    reader = type(world.hub.database.reader)
    real, asked = reader.fetch, []

    async def counted(self: object, statement: object, values: object) -> object:
        asked.append(statement)
        return await real(self, statement, values)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "fetch", counted)
    for name in (NAME, "nobody"):
        asked.clear()
        with pytest.raises(SignInRefused):
            await sign_in(world.hub, name, "wrong-password-1")
        counts.append(len(asked))

    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    ("setting", "lands"), [("off", "/patients"), ("optional", "/patients"), ("required", "/account/factors")]
)
async def test_the_setting_says_for_whom(settings: Settings, setting: str, lands: str) -> None:
    async with running(settings.model_copy(update={"second_factor": setting})) as world:
        browser = a_browser(world)
        await browser.sign_in(await an_account(world, "clinic-c", "doctor"))

        assert (await browser.get("/")).headers["location"] == lands
        assert (await browser.get("/patients")).status_code == (303 if setting == "required" else 200)
        assert (await browser.get("/fhir/Patient")).status_code == (403 if setting == "required" else 200)
        assert (await browser.get("/account/factors")).status_code == (403 if setting == "off" else 200)


async def test_when_it_is_off_a_factor_that_is_there_is_not_asked_for(settings: Settings) -> None:
    async with running(settings.model_copy(update={"second_factor": "off"})) as world:
        await with_app(world, await an_account(world, "clinic-c", "doctor"))

        assert (await a_browser(world).sign_in(NAME)).headers["location"] == "/"


async def test_the_last_sign_in_and_what_failed_since_are_shown(world: World) -> None:
    await signed_in(world, "clinic-c")
    await a_browser(world).sign_in(NAME, "wrong-password-1")
    await a_browser(world).sign_in(NAME, "wrong-password-1")
    browser = a_browser(world)
    await browser.sign_in(NAME)

    page = (await browser.get("/patients")).text

    assert "前回のサインイン 20" in page
    assert "失敗 2回" in page


async def test_a_person_without_standing_is_known(world: World) -> None:
    name = await an_account(world, "clinic-c", "doctor")
    async with world.hub.database.write() as connection:
        await connection.execute(standing.delete(), {})

    known = await by_name(world.hub.database.reader, name)

    assert known is not None
    assert known.refusal(world.hub.clock()) == ""
