"""A disc that is stopped while it is read goes on from there, and nothing of it is read or told twice."""

import asyncio
from dataclasses import astuple
from pathlib import Path
from threading import Event

import pytest

from app.access import directory
from app.blobs import Incoming
from app.blobs.referred import totals
from app.cli.recorded import told
from app.imaging.media import reading
from app.imaging.media.disc import READ
from app.imaging.media.entries import Entry
from app.imaging.media.forget import forget
from app.imaging.media.job import MEDIA, a_job, begin, new_disc
from app.imaging.media.peek import spool
from app.imaging.media.quarantine import found_disc, note_blobs, settle_disc
from app.imaging.media.reading import read_disc
from app.imaging.media.tables import media_disc
from app.records.jobs.queue import LASTS
from app.records.jobs.run import Lost, take
from tests.app.imaging.images import CT, a_file
from tests.media import DISC, blobs, days_later, files, people
from tests.portal import recorded
from tests.world import World

pytestmark = pytest.mark.anyio


async def a_disc(world: World, place: Path) -> int:
    """Put a disc that a command is to read in the queue."""
    hub = world.hub
    site = await directory.find_organisation(hub.database.reader, "hospital-b")
    disc = new_disc(hub, site.key, "disc", place=str(place), by="root", by_title="root")

    await begin(hub, disc, a_job(disc, client=""), told(hub, "media-import", "A disc"))
    return disc.number


async def read_some(world: World, number: int, most: int) -> bool:
    """Read a disc until it was asked so many times whether to stop."""
    hub = world.hub
    job = await MEDIA.find(hub.database.reader, str(number), "", hub.clock())
    assert job is not None
    held = await take(hub, MEDIA, job)
    assert held is not None
    asked = iter([False] * most + [True] * 100)
    finished = await read_disc(held, stopped=lambda: next(asked))
    async with hub.database.write() as connection:
        await MEDIA.hold(connection, job, held.until, 0)
    return finished


async def test_a_disc_that_is_stopped_goes_on_from_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_FILES", 3)
    place = DISC / "77654033"
    number = await a_disc(world, place)

    assert not await read_some(world, number, 5)
    assert len(await files(world, number)) == 5
    assert not await read_some(world, number, 1)
    assert len(await files(world, number)) == 6
    assert await read_some(world, number, 50)

    found = await files(world, number)
    assert len(found) == 7
    assert [one.number for one in found.values()] == list(range(1, 8))
    assert len(await people(world, number)) == 1
    assert [one.blobs for one in await totals(world.hub.database.reader)] == [7]
    disc = await found_disc(world.hub.database.reader, number)
    assert (disc is not None and disc.state) == "read"


async def test_two_do_not_read_one_disc(world: World, tmp_path: Path) -> None:
    place = tmp_path / "disc"
    place.mkdir()
    (place / "A").write_bytes(a_file(CT))
    number = await a_disc(world, place)
    job = await MEDIA.find(world.hub.database.reader, str(number), "", world.hub.clock())
    assert job is not None
    first = await take(world.hub, MEDIA, job)
    assert first is not None
    assert await take(world.hub, MEDIA, job) is None
    first.until -= 1

    with pytest.raises(Lost):
        await read_disc(first)

    assert await files(world, number) == {}
    assert [one.blobs for one in await totals(world.hub.database.reader)] == []


async def test_a_file_that_takes_longer_than_a_job_is_held_is_read_by_one(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LOOK_SECONDS", 0.01)
    place = tmp_path / "disc"
    place.mkdir()
    (place / "A").write_bytes(a_file(CT))
    number, hub = await a_disc(world, place), world.hub
    job = await MEDIA.find(hub.database.reader, str(number), "", hub.clock())
    assert job is not None
    held = await take(hub, MEDIA, job)
    assert held is not None
    copied, begun, clock = Event(), held.until, hub.clock

    def slowly(entry: Entry, incoming: Incoming, most: int) -> tuple[str, str] | None:
        copied.wait(30)
        return spool(entry, incoming, most)

    monkeypatch.setattr(reading, "spool", slowly)
    work = asyncio.create_task(read_disc(held))
    monkeypatch.setattr(hub, "clock", lambda: clock() + LASTS - 1_000_000)
    while True:
        if held.until > begun + LASTS // 2:
            break
        await asyncio.sleep(0.01)
    monkeypatch.setattr(hub, "clock", lambda: clock() + LASTS + 10_000_000)
    other = await take(hub, MEDIA, job)
    copied.set()

    assert other is None
    assert await work
    assert {one.state for one in (await files(world, number)).values()} == {"quarantined"}


async def test_the_same_zip_uploaded_twice_stays_until_both_are_read(world: World) -> None:
    hub = world.hub
    site = await directory.find_organisation(hub.database.reader, "hospital-b")
    digest = "ab" * 32
    discs = [new_disc(hub, site.key, "disc", upload=digest, by="clerk", by_title="clerk") for _ in range(2)]
    async with hub.database.write() as connection:
        await connection.insert(media_disc, [astuple(one) for one in discs])
        await note_blobs(connection, site.key, [(digest, 5)], 1)
    left = []

    for one in discs:
        async with hub.database.write() as connection:
            await settle_disc(connection, one, READ)
        left.append(await blobs(world))

    assert left == [1, 0]


async def test_a_disc_that_nobody_decides_on_is_forgotten_after_its_days(world: World, tmp_path: Path) -> None:
    (tmp_path / "A").write_bytes(a_file(CT, InstitutionName=["", "Yamada"]))
    number = await a_disc(world, tmp_path)
    assert await read_some(world, number, 100)
    (one,) = await people(world, number)
    assert (one.institution, one.ends > world.hub.clock()) == ("", True)
    days_later(world, 89)
    kept = await forget(world.hub)
    days_later(world, 2)

    assert (kept, await forget(world.hub)) == (0, 1)

    assert [(one.state, one.alphabetic) for one in await people(world, number)] == [("removed", "")]
    assert await blobs(world) == 0
    (told_of,) = [each for each in await recorded(world) if each.interaction == "media-removed"]
    assert "images that nobody decided on" in (told_of.description or "")
