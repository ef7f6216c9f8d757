"""Whoever sends a blob while it is collected does not lose it: one collector, many writers, real processes."""

import asyncio
import hashlib
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from app.blobs import collect as collecting
from app.blobs.collect import collect
from app.blobs.store import DAY
from app.blobs.tables import blob
from app.blobs.turn import Busy
from app.hub import Hub
from app.lifecycle import open_hub
from app.settings import Settings
from tests.backups import keep_blob
from tests.blobs import ALWAYS, in_place, leave_blob, pass_days

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]

ROOT = Path(__file__).resolve().parents[3]


async def test_a_blob_that_is_sent_again_before_it_is_looked_at_last_stays(hub: Hub) -> None:
    digest = await leave_blob(hub, 1, b"content")
    pass_days(hub, 1.1)
    real = hub.blobs.set_aside

    async def late(custodian: int, digest: str, before: int) -> bool:
        # The database was asked already. Older than what is written now is all that was written before.
        await keep_blob(hub, custodian, b"content")
        return await real(custodian, digest, before - round(1.1 * DAY))

    hub.blobs.set_aside = late  # type: ignore[method-assign]
    done = await collect(hub)

    assert done.set_aside.count == 0
    assert await in_place(hub, 1) == {digest}


async def test_a_blob_that_is_sent_again_after_it_was_looked_at_last_is_put_back(hub: Hub) -> None:
    digest = await leave_blob(hub, 1, b"content")
    pass_days(hub, 1.1)
    real = hub.blobs.set_aside

    async def late(custodian: int, digest: str, before: int) -> bool:
        await keep_blob(hub, custodian, b"content")
        return await real(custodian, digest, ALWAYS)

    hub.blobs.set_aside = late  # type: ignore[method-assign]
    done = await collect(hub)

    assert (done.set_aside.count, done.brought_back.count) == (1, 1)
    assert await in_place(hub, 1) == {digest}


async def test_a_blob_that_is_referred_to_after_it_was_set_aside_is_put_back_for_good(hub: Hub) -> None:
    digest = await leave_blob(hub, 1, b"content")
    pass_days(hub, 1.1)
    await collect(hub)
    async with hub.database.write() as connection:
        # Its writer kept it before it was set aside.
        await connection.insert(blob, [(1, digest, 7, hub.clock())])

    first = await collect(hub)
    pass_days(hub, 10)
    for _ in range(2):
        last = await collect(hub)

    assert first.brought_back.count == 1
    assert (last.waiting.count, last.removed.count, last.set_aside.count) == (0, 0, 0)
    assert [page async for page in hub.blobs.listing(1, aside=True)] == []
    assert await in_place(hub, 1) == {digest}


async def test_a_blob_that_is_referred_to_in_the_last_moment_is_not_removed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await leave_blob(hub, 1, b"content")
    await hub.blobs.set_aside(1, digest, ALWAYS)
    pass_days(hub, 2.1)
    real = collecting._Collecting._record

    async def late(*arguments: object) -> None:
        async with hub.database.write() as connection:
            await connection.insert(blob, [(1, digest, 7, hub.clock())])
        await real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(collecting._Collecting, "_record", late)
    done = await collect(hub)

    assert done.removed.count == 0
    assert await in_place(hub, 1) == {digest}


async def test_several_hubs_write_and_collect_the_same_blobs_and_none_is_ever_missing(
    hub: Hub, chosen: Settings
) -> None:
    other = await open_hub(chosen)
    # Whatever is written counts as old at once: every blob is fair game until it is referred to.
    for one in (hub, other):
        pass_days(one, 1.5)
    contents = [b"content %d" % number for number in range(40)]
    written: list[bytes] = []
    set_aside = runs = 0
    collected = asyncio.Condition()
    writing = True

    def ran(times: int) -> bool:
        return runs >= times

    async def write(writer: Hub, mine: list[bytes]) -> None:
        for number, octets in enumerate(mine):
            await leave_blob(writer, 1, octets)
            await asyncio.sleep(0.01)
            if number % 5 == 0:
                # Most race with the collectors. This one waits for a run that began after it was left.
                async with collected:
                    await collected.wait_for(partial(ran, runs + 2))
            await keep_blob(writer, 1, octets)
            written.append(octets)

    async def collect_again(collector: Hub) -> None:
        nonlocal set_aside, runs
        while writing:
            try:
                set_aside += (await collect(collector)).set_aside.count
                async with collected:
                    runs += 1
                    collected.notify_all()
            except Busy:
                await asyncio.sleep(0.005)

    async def read() -> None:
        while writing:
            for octets in written:
                assert await hub.blobs.read(1, hashlib.sha256(octets).hexdigest()) == octets
            await asyncio.sleep(0.001)

    beside = [asyncio.create_task(one) for one in (collect_again(hub), collect_again(other), read())]
    await asyncio.gather(write(hub, contents[::2]), write(other, contents[1::2]))
    writing = False
    await asyncio.gather(*beside)
    await collect(other)
    await other.close()

    assert set_aside > 0
    assert await in_place(hub, 1) == {hashlib.sha256(octets).hexdigest() for octets in contents}


COLLECTOR = """
import asyncio
from app.blobs.collect import collect
from app.lifecycle import open_hub
from app.settings import settings
from tests.blobs import pass_days

async def main():
    hub = await open_hub(settings())
    pass_days(hub, 1.5)
    while True:
        if (await collect(hub)).set_aside.count:
            print("collected", flush=True)

asyncio.run(main())
"""


async def test_a_collector_that_is_killed_leaves_nothing_missing_and_its_turn_to_another(
    hub: Hub, chosen: Settings
) -> None:
    places = {"RENKEI_HOME": str(chosen.home), "RENKEI_DATABASE": chosen.database, "RENKEI_BLOBS": chosen.blobs}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", COLLECTOR),
        env=os.environ | places | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    digests: list[str] = []
    collected = asyncio.create_task(process.stdout.readline())
    async with asyncio.timeout(60):
        while len(digests) < 30 or not collected.done():
            octets = b"content %d" % len(digests)
            await leave_blob(hub, 1, octets)
            await asyncio.sleep(0.02)
            digests.append(await keep_blob(hub, 1, octets))
            for digest in digests:
                await hub.blobs.read(1, digest)
    process.kill()
    await process.communicate()
    real = hub.clock
    hub.clock = lambda: real() + 31 * 60 * 1_000_000
    pass_days(hub, 1.5)

    await collect(hub)

    assert await collected == b"collected\n"
    assert await in_place(hub, 1) == set(digests)
