"""What is kept of sources' images for a while is that of one reference, and goes with it."""

import os
import time

import pytest

from app.imaging.sources.keep_here import keep_here
from app.imaging.sources.source import ImagingSource, change_source
from tests.app.imaging.images import CT, a_file, address, parts_of, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import a_pacs
from tests.world import World

pytestmark = pytest.mark.anyio


def _files(world: World) -> list[str]:
    folder = world.hub.settings.home / "image-cache"
    return [str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()]


@pytest.mark.parametrize("cache", ["thumbnails", "days:3"])
async def test_an_instance_of_a_uid_that_was_deleted_is_never_shown_out_of_what_was_kept(
    world: World, cache: str
) -> None:
    image, other = a_file(CT), a_file(CT, PixelData=bytes(128 * 128 * 2), WindowCenter=1, WindowWidth=2)
    places = [f"{address(image)}/thumbnail", address(image)]
    async with a_pacs(image) as pacs:
        await a_source(world, pacs, cache=cache)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        before = [await world.http.get(one, headers=caller) for one in places]
        kept = _files(world)
        deleted = await world.http.delete(address(image), headers=caller)
        left = _files(world)
        pacs.take(other)
        await stored(world, caller, a_manifest(image, uid="1.2.3.4.5.8"))
        after = [await world.http.get(one, headers=caller) for one in places]

    assert (deleted.status_code, len(kept), left) == (204, 1, [])
    assert before[0].content != after[0].content
    assert (parts_of(before[1])[0][1], parts_of(after[1])[0][1]) == (image, other)


async def test_what_one_source_gave_is_not_answered_for_another_of_the_same_site(world: World) -> None:
    image, other = a_file(CT), a_file(CT, WindowCenter=1)
    async with a_pacs(image) as old, a_pacs(other) as new:
        await a_source(world, old, cache="days:3")
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        first = await world.http.get(address(image), headers=caller)
        # The site gets a new PACS, and says so in its next manifest.
        await a_source(world, new, name="pacs-new", locations="1.2.3.4", cache="days:3")
        await stored(world, caller, a_manifest(image, uid="1.2.3.4.5.8", location="1.2.3.4"))
        second = await world.http.get(address(image), headers=caller)

    assert (parts_of(first)[0][1], parts_of(second)[0][1]) == (image, other)
    assert len(new.asked) == 1


async def _aged(world: World, days: float) -> None:
    """Let what is kept be so old, and an hour pass."""
    for one in (world.hub.settings.home / "image-cache").rglob("*"):
        if one.is_file():
            os.utime(one, (time.time() - days * 86_400,) * 2)
    world.hub.held._swept -= 3600
    await world.hub.held.sweep()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_what_is_too_old_goes_though_little_is_fetched(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs, cache="days:3")
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        await world.hub.held.sweep()
        await world.http.get(address(image), headers=caller)
        begun = world.hub.settings.home / "image-cache" / "incoming" / "incoming-of-a-process-that-ended"
        begun.write_bytes(b"x")
        await _aged(world, 2.9)
        younger = _files(world)
        await _aged(world, 3.1)

    assert len(younger) == 1
    assert _files(world) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_what_is_kept_here_from_now_on_is_not_kept_twice(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        source: ImagingSource = await a_source(world, pacs, cache="days:3")
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        await world.http.get(address(image), headers=caller)
        kept = _files(world)
        moved = await keep_here(world.hub, await world.hub.sources.named(source.name))
        again = await world.http.get(address(image), headers=caller)

    assert (len(kept), moved.instances, _files(world)) == (1, 1, [])
    assert parts_of(again)[0][1] == image
    assert uids(image)[2] in pacs.asked[0]


async def test_a_source_that_is_changed_is_asked_as_it_is_now_and_keeps_its_references(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as old, a_pacs(image) as new:
        await a_source(world, old)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        await world.http.get(address(image), headers=caller)
        for one in world.hub.held._held.values():
            one.last_read -= 60
        await world.hub.held.sweep()
        async with world.hub.database.write() as connection:
            await change_source(connection, "pacs-a", wado=new.address, cache="days:3")
        got = await world.http.get(address(image), headers=caller)

    assert parts_of(got)[0][1] == image
    assert (len(old.asked), len(new.asked), len(_files(world))) == (1, 1, 1)
