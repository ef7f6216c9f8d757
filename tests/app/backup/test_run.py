import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from app.audit.record import unseal
from app.audit.tables import audit_record
from app.backup.events import BACKUP
from app.backup.export import pages
from app.backup.failures import Busy, Damaged, UnknownRecipient
from app.backup.place import locked
from app.backup.run import run
from app.backup.verify import verify
from app.blobs.tables import blob
from app.settings import Settings
from fhir.store.tables import resource_version
from tests.backups import KeyPair, a_key_pair, keep_blob
from tests.world import World, running

pytestmark = pytest.mark.anyio


async def _events(world: World) -> list[tuple[str, str, str | None]]:
    async with world.hub.database.snapshot() as snapshot:
        records = [bytes(row[1]) async for page in pages(snapshot, audit_record) for row in page]
    events = [unseal(record, world.hub.audit.keys) for record in records]
    return [(one.interaction, one.outcome, one.description) for one in events if one.client == "renkei-cli"]


async def test_a_backup_is_recorded_before_it_is_taken_and_after(world: World, keys: KeyPair, tmp_path: Path) -> None:
    taken = await run(world.hub, tmp_path / "backups", [keys.recipient])

    assert await _events(world) == [
        (BACKUP, "0", f"A backup begins, encrypted to {keys.recipient}"),
        (
            BACKUP,
            "0",
            f"{taken.folder.name}: {taken.rows} rows, 0 blobs, audit log of {taken.audit.size} records",
        ),
    ]
    assert taken.audit.size == 1


async def test_a_backup_that_fails_is_recorded_and_leaves_nothing_to_restore(
    world: World, keys: KeyPair, tmp_path: Path
) -> None:
    async with world.hub.database.write() as connection:
        await connection.insert(blob, [(1, "ab" * 32, 5, 0)])

    with pytest.raises(Damaged, match=f"blob {'ab' * 32} is missing"):
        await run(world.hub, tmp_path / "backups", [keys.recipient])

    assert (await _events(world))[-1][:2] == (BACKUP, "8")
    with pytest.raises(Damaged, match="no whole backup"):
        verify(tmp_path / "backups")


async def test_a_place_that_is_in_use_is_refused(world: World, keys: KeyPair, tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(Busy):
        await run(world.hub, tmp_path, [keys.recipient])


async def test_a_backup_to_nobody_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(UnknownRecipient):
        await run(world.hub, tmp_path, [])


async def test_the_next_backup_copies_only_the_blobs_that_are_new(world: World, keys: KeyPair, tmp_path: Path) -> None:
    place = tmp_path / "backups"
    await keep_blob(world.hub, 1, b"an old image")
    await run(world.hub, place, [keys.recipient])
    old = set((place / "blobs").rglob("*.age"))
    before = {path: path.stat().st_mtime_ns for path in old}
    await keep_blob(world.hub, 1, b"a new image")

    taken = await run(world.hub, place, [keys.recipient])

    assert taken.blobs == 2
    assert {path: path.stat().st_mtime_ns for path in old} == before
    assert len(set((place / "blobs").rglob("*.age")) - old) == 1
    found = verify(place, [keys.identity])
    assert found.folder == taken.folder


async def test_more_blobs_than_one_page_are_listed(
    world: World, keys: KeyPair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backup.run._LISTED", 2)
    for number in range(5):
        await keep_blob(world.hub, 1, b"image %d" % number)
    seen: dict[str, int] = {}

    taken = await run(world.hub, tmp_path / "backups", [keys.recipient], progress=seen.__setitem__)

    assert (taken.blobs, seen["blobs"], seen["blob"]) == (5, 5, 5)
    verify(taken.folder, [keys.identity])


async def test_memory_holds_a_few_segments_however_large_the_hub(world: World, keys: KeyPair, tmp_path: Path) -> None:
    async with world.hub.database.write() as connection:
        for row in range(96):
            await connection.insert(resource_version, [(1, row, 1, 0, 1, os.urandom(1 << 20), b"", b"")])
    tracemalloc.start()
    try:
        await run(world.hub, tmp_path / "backups", [keys.recipient])
        running = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        await asyncio.to_thread(verify, tmp_path / "backups", [keys.identity])
        verifying = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert running < 56 << 20
    assert verifying < 56 << 20


_RUN = textwrap.dedent("""
    import asyncio, pathlib, sys, time
    from app.backup.run import run
    from app.lifecycle import open_hub
    from app.settings import Settings

    async def main(home, database, place, recipient):
        hub = await open_hub(Settings(home=pathlib.Path(home), database=database))
        hub.audit.start()
        await run(hub, pathlib.Path(place), [recipient], progress=lambda *_: time.sleep(0.02))
        await hub.close()

    asyncio.run(main(*sys.argv[1:]))
""")


def _written(place: Path) -> tuple[int, int]:
    """Return how many segments of an unfinished backup there are, and how many blobs."""
    return len(list(place.glob("*.partial/0*.age"))), len(list(place.glob("blobs/*/*/*.age")))


def _kill_when(place: Path, arguments: list[str], done: Callable[[int, int], bool]) -> None:
    with subprocess.Popen([sys.executable, "-c", _RUN, *arguments]) as process:
        while True:
            assert process.poll() is None, "the run ended before it could be killed"
            with contextlib.suppress(FileNotFoundError):  # the run removes what the one before it left
                if done(*_written(place)):
                    break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)


async def _with_images(settings: Settings) -> None:
    async with running(settings) as world:
        for number in range(8):
            await keep_blob(world.hub, 1, b"image %d" % number)


def test_a_run_that_is_killed_is_simply_run_again(settings: Settings, tmp_path: Path) -> None:
    keys, place = a_key_pair(), tmp_path / "backups"
    asyncio.run(_with_images(settings))
    arguments = [str(settings.home), settings.database, str(place), keys.recipient]
    _kill_when(place, arguments, lambda segments, _: segments >= 3)
    _kill_when(place, arguments, lambda _, blobs: blobs >= 3)
    copied = {path: path.stat().st_ino for path in place.glob("blobs/*/*/*.age")}

    subprocess.run([sys.executable, "-c", _RUN, *arguments], check=True)

    found = verify(place, [keys.identity])
    assert found.header.blobs == 8
    assert copied.items() <= {path: path.stat().st_ino for path in place.glob("blobs/*/*/*.age")}.items()
    assert {path.name for path in place.iterdir()} == {".lock", "blobs", found.folder.name}
