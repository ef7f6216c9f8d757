import asyncio
from typing import Any

import pytest

from app.access.caller import Caller
from app.access.directory import AlreadyThere, Organisation, Unknown, find_organisation
from app.access.enrol import Invalid
from app.access.rights import decide
from app.access.rights.actor import actor
from app.access.rights.leave import close_ended, leave
from app.access.rights.listed import due, open_requests, requests_of, right, rights
from app.access.rights.request import Wish, request_change, request_new, request_stand_in
from app.access.rights.reset import reset_password
from app.access.tables import session
from fhir.errors import Conflict, Forbidden
from tests.people import code, later, second, with_app
from tests.portal import a_browser, an_account, recorded
from tests.world import World

pytestmark = pytest.mark.anyio

DAY = 24 * 60


async def people(world: World) -> dict[str, Caller]:
    """Return the clerk and the head of a clinic, two people of the secretariat, and a head elsewhere."""
    await an_account(world, "clinic-c", "clerk", name="clerk")
    await an_account(world, "clinic-c", "doctor", name="head", head=True)
    await an_account(world, "clinic-d", "doctor", name="other-head", head=True)
    await an_account(world, "secretariat", "secretariat", name="office")
    await an_account(world, "secretariat", "secretariat", name="colleague")
    await an_account(world, "clinic-c", "nurse", name="nurse")
    names = ("clerk", "head", "other-head", "office", "colleague", "nurse")
    return {name: await actor(world.hub, name) for name in names}


async def place(world: World, slug: str = "clinic-c") -> Organisation:
    return await find_organisation(world.hub.database.reader, slug)


async def wish(world: World, name: str = "new-nurse", site: str = "clinic-c", **fields: Any) -> Wish:
    return Wish(
        **{"name": name, "title": "新人 看護", "organisation": await place(world, site), "role": "nurse"} | fields
    )


async def state(world: World, name: str) -> str:
    now = world.hub.clock()
    return (await right(world.hub.database.reader, name, now)).state(now)


async def test_a_person_signs_in_when_the_site_has_asked_the_secretariat_granted_and_the_head_confirmed(
    world: World,
) -> None:
    who = await people(world)
    hub = world.hub
    key = await request_new(hub, who["clerk"], await wish(world), "starts in April")
    password = await decide.grant(hub, who["office"], key, "papers are here")
    early = await a_browser(world).sign_in("new-nurse", password)
    waiting = await state(world, "new-nurse")

    await decide.confirm(hub, who["head"], key)

    browser = a_browser(world)
    assert (early.status_code, waiting) == (401, "waiting")
    assert (await browser.sign_in("new-nurse", password)).status_code == 303
    assert (await browser.get("/patients")).headers["location"] == "/password"
    found = (await requests_of(hub.database.reader, "new-nurse"))[0]
    steps = [(act.by, act.why, act.at > 0) for act in (found.requested, found.granted, found.confirmed)]
    assert steps == [("clerk", "starts in April", True), ("office", "papers are here", True), ("head", "", True)]
    told = [(one.user, one.description or "") for one in await recorded(world) if one.interaction == "account"]
    assert [user for user, _ in told] == ["clerk", "office", "head"]
    assert all("new-nurse, nurse of clinic-c" in text for _, text in told)
    assert password not in str(told)


async def test_nobody_else_requests_for_a_site_and_nobody_but_the_secretariat_grants(world: World) -> None:
    who = await people(world)
    for name in ("nurse", "other-head"):
        with pytest.raises(Forbidden):
            await request_new(world.hub, who[name], await wish(world), "why")
    key = await request_new(world.hub, who["clerk"], await wish(world), "why")

    for name in ("clerk", "head", "nurse", "other-head"):
        with pytest.raises(Forbidden):
            await decide.grant(world.hub, who[name], key, "why")


async def test_nobody_grants_what_they_have_requested(world: World) -> None:
    who = await people(world)
    key = await request_new(world.hub, who["office"], await wish(world), "why")

    with pytest.raises(Forbidden):
        await decide.grant(world.hub, who["office"], key, "why")
    assert await decide.grant(world.hub, who["colleague"], key, "why")


async def test_nobody_but_the_head_confirms_where_there_is_one(world: World) -> None:
    who = await people(world)
    key = await request_new(world.hub, who["clerk"], await wish(world), "why")
    await decide.grant(world.hub, who["office"], key, "why")

    for name in ("clerk", "office", "colleague", "nurse", "other-head"):
        with pytest.raises(Forbidden):
            await decide.confirm(world.hub, who[name], key)


async def test_the_first_head_of_a_site_is_confirmed_by_a_colleague_of_who_granted(world: World) -> None:
    who = await people(world)
    first = await wish(world, "first-head", "hospital-b", head=True, role="doctor")
    key = await request_new(world.hub, who["office"], first, "the site joins")
    await decide.grant(world.hub, who["colleague"], key, "signed contract")
    with pytest.raises(Forbidden):
        await decide.confirm(world.hub, who["colleague"], key)

    await decide.confirm(world.hub, who["office"], key)

    assert (await right(world.hub.database.reader, "first-head", 0)).head


async def test_nobody_confirms_the_own_rights(world: World) -> None:
    who = await people(world)
    more = await wish(world, "head", head=True, role="clerk")
    key = await request_change(world.hub, who["clerk"], more, "why")
    await decide.grant(world.hub, who["office"], key, "why")

    with pytest.raises(Forbidden):
        await decide.confirm(world.hub, who["head"], key)


async def test_a_change_of_role_counts_when_it_is_confirmed_and_ends_the_sessions(world: World) -> None:
    who = await people(world)
    browser = a_browser(world)
    await browser.sign_in("nurse")
    change = await wish(world, "nurse", role="clerk", title="看護 改め事務")
    key = await request_change(world.hub, who["clerk"], change, "moves to the desk")
    shown = await decide.grant(world.hub, who["office"], key, "agreed")
    before = (await browser.get("/patients")).status_code

    await decide.confirm(world.hub, who["head"], key)

    found = await right(world.hub.database.reader, "nurse", 0)
    assert (shown, before, found.role, found.title) == ("", 200, "clerk", "看護 改め事務")
    assert (await browser.get("/patients")).headers["location"].startswith("/?next=")
    assert (await a_browser(world).sign_in("nurse")).status_code == 303


@pytest.mark.parametrize("decision", ["grant", "refuse", "confirm"])
async def test_of_two_who_decide_at_once_one_is_told_so(world: World, decision: str) -> None:
    who = await people(world)
    key = await request_new(world.hub, who["clerk"], await wish(world), "why")
    if decision == "confirm":
        await decide.grant(world.hub, who["office"], key, "why")
    caller = who["head"] if decision == "confirm" else who["office"]

    done = await asyncio.gather(
        *(getattr(decide, decision)(world.hub, caller, key, "why") for _ in range(3)), return_exceptions=True
    )

    assert sum(not isinstance(one, Exception) for one in done) == 1
    assert all(isinstance(one, Conflict | AlreadyThere) for one in done if isinstance(one, Exception))


async def test_what_was_refused_gives_nothing(world: World) -> None:
    who = await people(world)
    early = await request_new(world.hub, who["clerk"], await wish(world, "early-one"), "why")
    late = await request_new(world.hub, who["clerk"], await wish(world, "late-one"), "why")
    await decide.refuse(world.hub, who["office"], early, "no papers")
    password = await decide.grant(world.hub, who["office"], late, "why")

    await decide.refuse(world.hub, who["head"], late, "we do not know the person")

    with pytest.raises(Unknown):
        await state(world, "early-one")
    assert await state(world, "late-one") == "ended"
    assert (await a_browser(world).sign_in("late-one", password)).status_code == 401
    assert await open_requests(world.hub.database.reader) == []
    with pytest.raises(Conflict):
        await decide.confirm(world.hub, who["head"], late)


async def test_a_name_is_never_used_again(world: World) -> None:
    who = await people(world)
    await leave(world.hub, who["head"], "nurse", "has moved away")

    with pytest.raises(AlreadyThere):
        await request_new(world.hub, who["clerk"], await wish(world, "nurse"), "why")
    await request_new(world.hub, who["clerk"], await wish(world), "why")
    with pytest.raises(AlreadyThere):
        await request_new(world.hub, who["clerk"], await wish(world), "why")


WRONG = (
    *(("name", name) for name in ("ab", "名前", "a b c", "-abc", "a" * 65, "a/b", "")),
    *(("role", role) for role in ("auditor", "secretariat", "system", "king")),
    *(("title", title) for title in ("", "  ", "x" * 501, "a\x07b")),
    ("ends", 1),
)


async def test_a_wish_that_cannot_be_is_refused_by_its_field(world: World) -> None:
    await an_account(world, "clinic-c", "clerk", name="clerk")
    clerk = await actor(world.hub, "clerk")

    for field, value in WRONG:
        with pytest.raises(Invalid) as refused:
            await request_new(world.hub, clerk, await wish(world, **{field: value}), "why")
        assert refused.value.field == field


async def test_a_leaver_is_out_at_once_and_stays_in_the_log(world: World) -> None:
    who = await people(world)
    secret = await with_app(world, "nurse")
    browser = a_browser(world)
    await browser.sign_in("nurse")
    await second(browser, code=code(world, secret))
    assert (await browser.get("/patients")).status_code == 200

    await leave(world.hub, who["head"], "nurse", "has moved away")

    assert (await browser.get("/patients")).headers["location"].startswith("/?next=")
    assert (await browser.get("/fhir/Patient")).status_code == 401
    assert (await a_browser(world).sign_in("nurse")).status_code == 401
    assert await state(world, "nurse") == "ended"
    assert (await requests_of(world.hub.database.reader, "nurse"))[0].kind == "leave"
    assert "nurse" in {one.user for one in await recorded(world)}


async def test_nobody_else_ends_rights_resets_a_password_or_reports_a_lost_device(world: World) -> None:
    who = await people(world)
    for name in ("clerk", "nurse", "other-head"):
        with pytest.raises(Forbidden):
            await leave(world.hub, who[name], "nurse", "why")
    for by, whom in (("head", "nurse"), ("clerk", "nurse"), ("office", "office")):
        with pytest.raises(Forbidden):
            await reset_password(world.hub, who[by], whom, "why")
    for by, whom in (("clerk", "nurse"), ("other-head", "nurse"), ("head", "head")):
        found = await right(world.hub.database.reader, whom, world.hub.clock())
        with pytest.raises(Forbidden):
            await request_stand_in(world.hub, who[by], found, await place(world), "why")


async def test_rights_end_on_their_day(world: World) -> None:
    who = await people(world)
    browser = a_browser(world)
    await browser.sign_in("nurse")
    await leave(world.hub, who["head"], "nurse", "contract ends", ends=world.hub.clock() + 3_600_000_000)
    before = (await browser.get("/patients")).status_code
    later(world, 61)

    after = await browser.get("/patients")
    signed = await a_browser(world).sign_in("nurse")
    closed = [await close_ended(world.hub), await close_ended(world.hub)]

    assert (before, after.status_code, signed.status_code, closed) == (200, 303, 401, [1, 0])
    assert await state(world, "nurse") == "ended"


async def test_a_session_does_not_outlive_the_rights(world: World) -> None:
    who = await people(world)
    ends = world.hub.clock() + 3_600_000_000
    await leave(world.hub, who["head"], "nurse", "contract ends", ends=ends)

    await a_browser(world).sign_in("nurse")

    assert (await world.hub.database.reader.fetch(session.select(), {}))[0][5] == ends


async def test_who_comes_back_gets_a_new_password_and_no_old_factor(world: World) -> None:
    who = await people(world)
    await with_app(world, "nurse")
    await leave(world.hub, who["head"], "nurse", "maternity leave")
    key = await request_change(world.hub, who["clerk"], await wish(world, "nurse"), "is back")
    password = await decide.grant(world.hub, who["office"], key, "agreed")
    early = await a_browser(world).sign_in("nurse", password)
    await decide.confirm(world.hub, who["head"], key)

    old = await a_browser(world).sign_in("nurse")
    new = await a_browser(world).sign_in("nurse", password)

    assert [early.status_code, old.status_code, new.status_code] == [401, 401, 303]
    assert new.headers["location"] == "/"


async def test_a_one_time_password_lapses_after_two_weeks(world: World) -> None:
    who = await people(world)
    password = await reset_password(world.hub, who["office"], "nurse", "forgotten")
    later(world, 14 * DAY + 1)

    assert (await a_browser(world).sign_in("nurse", password)).status_code == 401
    assert (await recorded(world))[-1].outcome_desc == "The one-time password has lapsed"


async def test_a_reset_ends_sessions_and_a_wait_and_keeps_the_second_factor(world: World) -> None:
    who = await people(world)
    browser = a_browser(world)
    await browser.sign_in("nurse")
    await with_app(world, "nurse")
    for _ in range(world.hub.settings.password_attempts):
        await a_browser(world).sign_in("nurse", "wrong-password-1")

    password = await reset_password(world.hub, who["office"], "nurse", "forgotten")

    assert (await browser.get("/patients")).status_code == 303
    assert (await a_browser(world).sign_in("nurse")).status_code == 401
    assert (await a_browser(world).sign_in("nurse", password)).headers["location"] == "/sign-in/second"
    assert password not in str(await recorded(world))


async def test_a_lost_device_is_replaced_for_a_day_by_a_code_of_head_and_secretariat(world: World) -> None:
    who = await people(world)
    secret = await with_app(world, "nurse")
    found = await right(world.hub.database.reader, "nurse", world.hub.clock())
    key = await request_stand_in(world.hub, who["head"], found, await place(world), "lost on the train")
    with pytest.raises(Forbidden):
        await decide.grant(world.hub, who["head"], key, "why")
    stand_in = await decide.grant(world.hub, who["office"], key, "the head has called")

    for _ in range(2):
        browser = a_browser(world)
        await browser.sign_in("nurse")
        assert (await second(browser, code=code(world, secret))).status_code == 401
        assert (await second(browser, code=stand_in)).status_code == 303
    later(world, DAY + 1)

    # With the code the last factor is gone: by `optional` the password does, by `required` it leads to a new one.
    assert (await a_browser(world).sign_in("nurse")).headers["location"] == "/"
    assert stand_in not in str(await recorded(world))


async def test_rights_are_listed_and_due_a_month_before_the_year_is_over(world: World) -> None:
    who = await people(world)
    hub = world.hub
    all_of = [one.name for one in await rights(hub.database.reader, hub.clock(), who["head"].organisation)]
    at_first = due(await rights(hub.database.reader, hub.clock()), hub.clock(), 365)
    later(world, 336 * DAY)

    then = due(await rights(hub.database.reader, hub.clock(), who["head"].organisation), hub.clock(), 365)
    await decide.confirm_again(hub, who["head"], "nurse")
    after = due(await rights(hub.database.reader, hub.clock(), who["head"].organisation), hub.clock(), 365)

    assert all_of == ["clerk", "head", "nurse"]
    assert at_first == []
    assert [one.name for one in then] == ["clerk", "head", "nurse"]
    assert [one.name for one in after] == ["clerk", "head"]
    with pytest.raises(Forbidden):
        await decide.confirm_again(hub, who["head"], "head")
    with pytest.raises(Forbidden):
        await decide.confirm_again(hub, who["other-head"], "clerk")
    await decide.confirm_again(hub, who["office"], "head")


async def test_nobody_acts_in_the_name_of_who_has_left(world: World) -> None:
    who = await people(world)
    await leave(world.hub, who["office"], "clerk", "has left")

    with pytest.raises(Unknown):
        await actor(world.hub, "clerk")
    with pytest.raises(Unknown):
        await actor(world.hub, "nobody")
