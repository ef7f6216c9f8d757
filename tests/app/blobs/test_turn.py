import asyncio

import pytest

from app.blobs.collect import collect
from app.blobs.turn import Busy
from app.hub import Hub
from app.lifecycle import open_hub
from app.settings import Settings
from tests.blobs import leave_blob, pass_days

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]


async def test_a_run_that_is_stopped_goes_on_where_it_was(hub: Hub) -> None:
    for custodian in (1, 2, 3):
        await leave_blob(hub, custodian, b"left")
    pass_days(hub, 1.1)

    def stop(what: str, _: int) -> None:
        if what.startswith("custodian 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await collect(hub, progress=stop)
    rest = await collect(hub)
    again = await collect(hub)

    assert (rest.set_aside.count, again.seen.count, again.waiting.count) == (2, 0, 3)


async def test_one_collector_works_at_a_time_until_it_was_silent_for_half_an_hour(hub: Hub, chosen: Settings) -> None:
    await leave_blob(hub, 1, b"left")
    pass_days(hub, 1.1)
    other = await open_hub(chosen)
    refused: list[Busy] = []
    done = asyncio.Event()

    async def beside() -> None:
        try:
            await collect(other)
        except Busy as error:
            refused.append(error)
        real = other.clock
        other.clock = lambda: real() + 31 * 60 * 1_000_000
        hub.clock = other.clock
        await collect(other)
        done.set()

    real = hub.blobs.set_aside

    async def slow(custodian: int, digest: str, before: int) -> bool:
        await beside()
        return await real(custodian, digest, before)

    hub.blobs.set_aside = slow  # type: ignore[method-assign]
    with pytest.raises(Busy):
        await collect(hub)
    await other.close()

    assert done.is_set()
    assert "Another collector is at work" in str(refused[0])
