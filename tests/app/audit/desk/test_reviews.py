import asyncio
from datetime import datetime, timedelta

import pytest

from app.access.caller import Caller
from app.audit.desk.reviews import (
    _TURN,
    OVERLAP,
    after,
    end,
    review_of,
    reviews,
    save,
    sign,
    sign_offs,
    waiting,
)
from app.audit.desk.tables import audit_sign_off
from app.clock import DAY, EPOCH
from fhir.errors import Conflict, InvalidValue, NotFound
from fhir.search.date import JST
from tests.desk import a_known, a_look, looked
from tests.portal import recorded
from tests.world import World

pytestmark = pytest.mark.anyio

AUDITOR = Caller(
    *(6, "audit-office", "Audit", "Organization/audit-office", "auditor", "HOPERAT", "portal", 9, "kansa"), "監査 花子"
)
FROM = {"network": "192.0.2.1"}


def instant(*of: int) -> int:
    return (datetime(*of, tzinfo=JST) - EPOCH) // timedelta(microseconds=1)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("since", "every", "then"),
    [
        ((2026, 4, 1, 9), "weekly", (2026, 4, 8, 9)),
        ((2026, 4, 1, 9), "monthly", (2026, 5, 1, 9)),
        ((2026, 1, 31, 9), "monthly", (2026, 2, 28, 9)),
        ((2026, 12, 31, 0), "monthly", (2027, 1, 31, 0)),
        ((2026, 11, 30, 23), "monthly", (2026, 12, 30, 23)),
    ],
)
def test_a_review_falls_due_a_week_or_a_month_later(since: tuple[int, ...], every: str, then: tuple[int, ...]) -> None:
    assert after(instant(*since), every) == instant(*then)


async def saved(world: World, every: str = "weekly") -> int:
    """Save a review; the log is looked through to the present."""
    number = await save(world.hub, AUDITOR, title="Failures", question="outcome=failures", every=every, **FROM)
    await looked(world)
    return number


async def test_a_saved_review_comes_falls_due_and_is_overdue(world: World) -> None:
    number = await saved(world)
    review = await review_of(world.hub.database.reader, number)

    states = [review.state(review.made + days * DAY, 7) for days in (0, 6, 7, 13, 14)]

    assert states == ["coming", "coming", "due", "due", "overdue"]
    assert review.asked(review.made + 5).failures
    assert await waiting(world.hub.database.reader, review.due) == 1
    assert await waiting(world.hub.database.reader, review.due - 1) == 0


async def test_who_signs_signs_for_what_was_shown(world: World) -> None:
    number = await saved(world)
    reader = world.hub.database.reader
    made, until = (await review_of(reader, number)).made, world.hub.clock()

    await sign(world.hub, AUDITOR, number, since=made, until=until, remark=" nothing  unusual ", **FROM)

    (done,) = await sign_offs(reader, number=number)
    review = await review_of(reader, number)
    assert (done.since, done.until, done.remark, done.by_title) == (made, until, "nothing unusual", "監査 花子")
    assert (review.since, review.signed_by, review.due) == (until, "監査 花子", until + 7 * DAY)
    event = (await recorded(world))[-1]
    assert (event.interaction, event.user) == ("audit-review", "kansa")
    assert "nothing unusual" in str(event.description)


async def test_the_next_review_begins_a_moment_before_the_last_one_ended(world: World) -> None:
    number = await saved(world)
    reader = world.hub.database.reader
    first = await review_of(reader, number)
    until = world.hub.clock()
    await sign(world.hub, AUDITOR, number, since=first.made, until=until, remark="a", **FROM)

    second = await review_of(reader, number)

    assert first.asked(until).begins == first.made
    assert second.asked(until + DAY).begins == until - OVERLAP


async def test_nobody_signs_for_what_is_not_looked_through(world: World) -> None:
    number, reader = await saved(world), world.hub.database.reader
    made = (await review_of(reader, number)).made
    # It waits for the tree: no leaf says that it is there, and no question finds it yet.
    await world.hub.audit.append([a_look(world, await a_known(world), outcome="4")])
    until = world.hub.clock() + 1

    with pytest.raises(InvalidValue):
        await sign(world.hub, AUDITOR, number, since=made, until=until, remark="a", **FROM)
    assert await sign_offs(reader) == []

    await looked(world)
    await sign(world.hub, AUDITOR, number, since=made, until=until, remark="a", **FROM)
    assert [one.until for one in await sign_offs(reader)] == [until]


async def test_who_ends_a_review_waits_for_who_signs(world: World) -> None:
    number = await saved(world)

    async with world.hub.database.write() as connection:
        await connection.lock(_TURN)
        ending = asyncio.create_task(end(world.hub, AUDITOR, number, "over", **FROM))
        done, _ = await asyncio.wait({ending}, timeout=0.3)
        assert not done

    await ending
    assert (await review_of(world.hub.database.reader, number)).ended


async def test_of_two_who_sign_the_second_is_told(world: World) -> None:
    number = await saved(world)
    made = (await review_of(world.hub.database.reader, number)).made
    until = world.hub.clock()
    await sign(world.hub, AUDITOR, number, since=made, until=until, remark="a", **FROM)

    with pytest.raises(Conflict):
        await sign(world.hub, AUDITOR, number, since=made, until=world.hub.clock(), remark="b", **FROM)

    assert len(await sign_offs(world.hub.database.reader)) == 1


@pytest.mark.parametrize(
    ("later", "remark"), [(0, "a"), (-5, "a"), (10 * DAY, "a"), (1, ""), (1, "x" * 1001), (1, "a\x07")]
)
async def test_what_cannot_be_signed_is_refused(world: World, later: int, remark: str) -> None:
    number = await saved(world)
    made = (await review_of(world.hub.database.reader, number)).made

    with pytest.raises(InvalidValue):
        await sign(world.hub, AUDITOR, number, since=made, until=made + later, remark=remark, **FROM)

    assert await sign_offs(world.hub.database.reader) == []


async def test_a_review_that_has_ended_falls_due_no_more_and_keeps_its_history(world: World) -> None:
    number = await saved(world)
    reader = world.hub.database.reader
    made = (await review_of(reader, number)).made
    await sign(world.hub, AUDITOR, number, since=made, until=world.hub.clock(), remark="a", **FROM)

    await end(world.hub, AUDITOR, number, "another review asks for more", **FROM)

    assert await reviews(reader) == []
    assert [one.number for one in await reviews(reader, ended=True)] == [number]
    assert len(await sign_offs(reader, number=number)) == 1
    with pytest.raises(Conflict):
        await end(world.hub, AUDITOR, number, "again", **FROM)
    with pytest.raises(Conflict):
        await sign(world.hub, AUDITOR, number, since=made, until=world.hub.clock(), remark="a", **FROM)


async def test_what_was_signed_cannot_be_altered_or_removed(world: World) -> None:
    number = await saved(world)
    made = (await review_of(world.hub.database.reader, number)).made
    await sign(world.hub, AUDITOR, number, since=made, until=world.hub.clock(), remark="a", **FROM)

    for change in (audit_sign_off.update().values(remark="b"), audit_sign_off.delete()):
        with pytest.raises(Exception, match=r"append|stays"):
            async with world.hub.database.write() as connection:
                await connection.execute(change, {})


@pytest.mark.parametrize(("title", "every"), [("", "weekly"), ("x" * 101, "weekly"), ("a", "daily")])
async def test_a_review_needs_a_name_and_a_schedule(world: World, title: str, every: str) -> None:
    with pytest.raises(InvalidValue):
        await save(world.hub, AUDITOR, title=title, question="", every=every, **FROM)


async def test_there_is_an_end_of_reviews(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audit.desk.reviews.MOST", 1)
    await saved(world)

    with pytest.raises(Conflict):
        await saved(world)
    with pytest.raises(NotFound):
        await review_of(world.hub.database.reader, 1)
