import asyncio
import logging
from collections.abc import Callable

import pytest

from app.blobs import daily
from app.blobs.collect import collect
from app.blobs.turn import NotDue
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.lifecycle import open_hub
from app.settings import Settings
from tests.blobs import in_place, leave_blob, pass_days

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - nothing tells when a task logs
            await asyncio.sleep(0.01)


async def test_a_hub_collects_once_a_day_in_one_of_its_processes(
    hub: Hub, chosen: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.blobs.daily")
    other = await open_hub(chosen)
    await leave_blob(hub, 1, b"left")
    await leave_blob(hub, 99, b"of nobody")
    for one in (hub, other):
        pass_days(one, 1.1)

    stops = [daily.start(one, 0.01) for one in (hub, other)]
    await until(lambda: "set aside" in caplog.text)
    await asyncio.sleep(0.2)
    for stop in stops:
        await stop()
    await other.close()

    assert await in_place(hub, 1) == set()
    assert [one.getMessage() for one in caplog.records] == [
        "Blobs of custodian 99 are not touched: is the database the one they belong to?",
        "Blobs: set aside 1 blobs, 4 bytes; removed 0 blobs, 0 bytes",
    ]


async def test_it_is_due_a_day_after_the_last_whole_run(hub: Hub) -> None:
    await collect(hub)
    real = hub.clock

    with pytest.raises(NotDue):
        await collect(hub, due=True)
    hub.clock = lambda: real() + 86_400_000_001

    assert (await collect(hub, due=True)).seen.count == 0


async def test_what_fails_is_tried_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    failures = [DatabaseUnavailable("away"), OSError("the disk")]

    async def fail(*_: object, **__: object) -> None:
        raise failures.pop(0) if failures else NotDue

    monkeypatch.setattr(daily, "collect", fail)
    stop = daily.start(hub, 0.001)
    await until(lambda: not failures)
    await stop()

    assert [one.getMessage() for one in caplog.records] == [
        "Collecting blobs waits for the database: away",
        "Blobs cannot be collected",
    ]
