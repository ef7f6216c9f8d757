"""The hub's clock: checked, kept, and told when it is wrong or nobody knows."""

import asyncio

import pytest
from sqlalchemy import select

from app.db import DatabaseUnavailable
from app.observe.sntp import Told
from app.observe.tables import clock_check
from app.observe.trusted_time import check, host, judge, last, servers
from app.settings import Settings
from tests.ntp import SECOND, a_server
from tests.portal import recorded
from tests.world import World, running

pytestmark = pytest.mark.anyio


def told(*offsets: int, delay: int = 1_000) -> list[Told]:
    return [Told(offset, delay, 2) for offset in offsets]


@pytest.mark.parametrize(
    ("offsets", "drift", "right"),
    [
        ((10, 20, 30), 20, True),
        ((0, 10, 900 * SECOND), 10, True),
        ((2 * SECOND,), 2 * SECOND, False),
        ((-2 * SECOND, -3 * SECOND), -3 * SECOND, False),
        ((), 0, False),
    ],
    ids=["the middle", "one is wrong", "behind", "ahead", "nobody answers"],
)
def test_the_middle_answer_counts(offsets: tuple[int, ...], drift: int, right: bool) -> None:
    found = judge(told(*offsets), 3, 5, SECOND)

    assert (found.drift, found.synchronised, found.answered, found.asked) == (drift, right, len(offsets), 3)


def test_what_the_way_may_have_taken_is_no_drift() -> None:
    assert judge(told(SECOND + 50_000, delay=200_000), 1, 5, SECOND).synchronised


def test_servers_are_parted_by_commas() -> None:
    assert servers(" ntp.nict.jp, 127.0.0.1:1123 ,") == ["ntp.nict.jp", "127.0.0.1:1123"]


def set_to(world: World, **changes: object) -> None:
    world.hub.settings = world.hub.settings.model_copy(update=changes)


async def notes(world: World) -> list[str]:
    found = (await world.http.get("/health")).json()
    return [one for one in found.get("notes", []) if "clock" in one]


async def test_a_right_clock_is_kept_and_shown(world: World) -> None:
    async with a_server(0) as (address, _):
        set_to(world, ntp_servers=address)
        await check(world.hub)

    found = await last(world.hub.database.reader)
    assert found is not None
    assert (found.synchronised, found.answered, found.stratum) == (True, 1, 2)
    assert await notes(world) == []
    metrics = (await world.http.get("/metrics")).text
    assert "renkei_clock_synchronised 1.0" in metrics
    assert "renkei_clock_servers_answered 1.0" in metrics


async def test_a_wrong_clock_is_told_of_and_on_record_once(world: World) -> None:
    async with a_server(-30 * SECOND) as (address, _):
        set_to(world, ntp_servers=address)
        await check(world.hub)
        await check(world.hub)

    (note,) = await notes(world)
    assert "wrong by -30." in note
    (event,) = [one for one in await recorded(world) if one.interaction == "clock"]
    assert (event.outcome, event.description) == ("8", event.outcome_desc)
    assert "renkei_clock_synchronised 0.0" in (await world.http.get("/metrics")).text


async def test_metrics_are_there_while_the_database_is_away(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_server(0) as (address, _):
        set_to(world, ntp_servers=address)
        await check(world.hub)
    assert "renkei_clock_synchronised 1.0" in (await world.http.get("/metrics")).text

    async def away(connection: object) -> None:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr("app.observe.trusted_time.last", away)
    answer = await world.http.get("/metrics")

    assert answer.status_code == 200
    assert "renkei_clock_synchronised 0.0" in answer.text
    assert (await world.http.get("/health")).status_code == 503


async def test_health_names_no_machine(world: World) -> None:
    found = []
    for ahead in (None, 30 * SECOND):
        async with a_server(ahead or 0, stratum=16 if ahead is None else 2) as (address, _):
            set_to(world, ntp_servers=address)
            await check(world.hub)
        found += await notes(world)

    assert len(found) == 2
    assert all("this machine" in one and host() not in one for one in found)


async def test_a_clock_that_is_right_again_is_on_record(world: World) -> None:
    for ahead in (30 * SECOND, 0):
        async with a_server(ahead) as (address, _):
            set_to(world, ntp_servers=address)
            await check(world.hub)

    assert [one.outcome for one in await recorded(world) if one.interaction == "clock"] == ["8", "0"]
    assert await notes(world) == []


async def test_nobody_knows_when_no_server_answers(world: World) -> None:
    async with a_server(0, stratum=16) as (address, _):
        set_to(world, ntp_servers=address)
        assert len(await notes(world)) == 1
        await check(world.hub)

    (note,) = await notes(world)
    assert "not known" in note


async def test_a_check_that_is_long_ago_says_nothing(world: World) -> None:
    async with a_server(0) as (address, _):
        set_to(world, ntp_servers=address)
        await check(world.hub)
        present = world.hub.clock
        world.hub.clock = lambda: present() + 3600 * SECOND

        assert len(await notes(world)) == 1


async def test_what_a_clock_wrote_before_it_was_set_back_is_gone(world: World) -> None:
    async with a_server(0) as (address, _):
        set_to(world, ntp_servers=address)
        present = world.hub.clock
        world.hub.clock = lambda: present() + 3600 * SECOND
        await check(world.hub)
        world.hub.clock = present
        await check(world.hub)

    rows = await world.hub.database.reader.fetch(select(clock_check.c.at), {})
    assert len(rows) == 1
    assert int(rows[0][0]) <= world.hub.clock()


async def test_without_a_server_nothing_is_asked_or_said(world: World) -> None:
    assert await notes(world) == []
    assert await last(world.hub.database.reader) is None


async def test_a_hub_checks_by_itself_when_it_starts(settings: Settings) -> None:
    async with a_server(0) as (address, server):
        chosen = settings.model_copy(update={"ntp_servers": address, "ntp_check_seconds": 0.05})
        async with running(chosen) as world:
            async with asyncio.timeout(30):
                await server.asked_again.wait()
            found = await last(world.hub.database.reader)

    assert found is not None
    assert found.synchronised
