"""Discs for tests: pydicom's own media, ZIPs of files, and the desk that reads them."""

import asyncio
import io
import re
import zipfile
from dataclasses import astuple
from pathlib import Path

import pydicom.data

from app.access import directory
from app.blobs.referred import totals
from app.clock import DAY
from app.imaging.media.disc import READING, Disc, DiscFile, DiscPatient
from app.imaging.media.quarantine import discs_of, files_on, found_disc, patients_on
from app.imaging.media.tables import media_disc, media_file, media_patient
from tests.canary import CANARY
from tests.canary_images import INSTANCE, OWNER, STUDY
from tests.portal import SAME_SITE, Browser
from tests.world import World

DISC = Path(pydicom.data.__file__).parent / "test_files" / "dicomdirtests"
"""Three patients, CT, CR and MR, with a DICOMDIR and some that are broken."""


def a_zip(files: dict[str, bytes]) -> bytes:
    """Return a ZIP of files by their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def on_disc(*below: str) -> dict[str, bytes]:
    """Return the files of pydicom's disc below some of its folders, by their paths."""
    roots = [DISC / name for name in below]
    places = [one for root in roots for one in ([root] if root.is_file() else sorted(root.rglob("*"))) if one.is_file()]
    return {one.relative_to(DISC).as_posix(): one.read_bytes() for one in places}


async def upload(desk: Browser, *files: tuple[str, bytes], title: str = "") -> int:
    """Upload files as the page does, and return the number of the disc."""
    fields = [("csrf", (None, (await desk.token()).encode())), ("title", (None, title.encode()))]
    parts = [*fields, *(("files", (name, data, "application/octet-stream")) for name, data in files)]
    answer = await desk.http.post("/media", files=parts, headers=SAME_SITE)
    assert answer.status_code == 303, answer.text
    found = re.fullmatch(r"/media/([0-9]+)", answer.headers["location"])
    assert found is not None
    return int(found[1])


async def until_read(world: World, number: int) -> Disc:
    """Return a disc once the hub has read it."""
    while True:
        disc = await found_disc(world.hub.database.reader, number)
        assert disc is not None
        if disc.state != READING:
            return disc
        await asyncio.sleep(0.02)


async def read(world: World, desk: Browser, files: dict[str, bytes]) -> int:
    """Upload a ZIP of files, wait until it is read, and return the number of the disc."""
    number = await upload(desk, ("disc.zip", a_zip(files)))
    await until_read(world, number)
    return number


async def files(world: World, number: int) -> dict[str, DiscFile]:
    """Return the files of a disc by their paths."""
    return {one.path: one for one in await files_on(world.hub.database.reader, number)}


async def people(world: World, number: int) -> list[DiscPatient]:
    """Return whom a disc is about."""
    return await patients_on(world.hub.database.reader, number)


async def discs(world: World, site: int) -> list[Disc]:
    """Return the discs of a site, the newest first."""
    return [one.disc for one in await discs_of(world.hub.database.reader, site)]


def days_later(world: World, days: int) -> None:
    """Let the hub's clock be so many days ahead from now on."""
    clock = world.hub.clock
    world.hub.clock = lambda: clock() + days * DAY


async def blobs(world: World) -> int:
    """Return how many blobs the database refers to."""
    return sum(one.blobs for one in await totals(world.hub.database.reader))


async def a_hidden_disc(world: World, number: int) -> None:
    """Put a disc of the canary's owner into quarantine that holds the canary wherever it can; the next is in review."""
    owner = await directory.find_organisation(world.hub.database.reader, OWNER)
    for each, conflict in ((number, ""), (number + 1, STUDY)):
        disc = Disc(each, owner.key, CANARY, "", "", 1, CANARY, CANARY, "read", CANARY, conflict, 1, 1)
        texts = (CANARY,) * 6
        one = DiscPatient(each, 1, owner.key, *texts, "19510203", "O", "waiting", "", "", "", 0, 0)
        file = DiscFile(
            *(each, 1, 1, f"{CANARY}/A", 1, "broken", CANARY, owner.key, "", 1),
            *(STUDY, "20240917", "OT", INSTANCE),
        )
        async with world.hub.database.write() as connection:
            await connection.insert(media_disc, [astuple(disc)])
            await connection.insert(media_patient, [astuple(one)])
            await connection.insert(media_file, [astuple(file)])
