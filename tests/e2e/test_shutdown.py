"""The hub is asked to end while it works: it ends well, and loses nothing of what it acknowledged."""

import asyncio
import time
from pathlib import Path

import pytest

from app.db import open_database
from app.settings import Settings
from tests.e2e.crashing import crashes
from tests.e2e.inside import SETTLES_SECONDS, uncovered

LEADER_RESTS = {"RENKEI_CHECKPOINT_SECONDS": "3600"}
"""The leader works at the start and at the end alone, so that nothing signed covers what comes meanwhile."""


def _uncovered(settings: Settings) -> int:
    """Return how many audit records no signed checkpoint covers."""

    async def count() -> int:
        database = await open_database(settings)
        found = await uncovered(database)
        await database.close()
        return found

    return asyncio.run(count())


def _uncovered_at_last(settings: Settings) -> int:
    deadline = time.monotonic() + SETTLES_SECONDS
    while (found := _uncovered(settings)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("workers", ["1", "2"], ids=["one process", "two processes"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_hub_that_is_asked_to_end_ends_well_and_loses_nothing(kind: str, workers: str, tmp_path: Path) -> None:
    codes: list[int] = []
    with crashes(kind, tmp_path, **LEADER_RESTS, RENKEI_WORKERS=workers) as hub:
        since = hub.begin()

        hub.load(lambda: codes.append(hub.hub.stop()))

        left = _uncovered(hub.settings)
        hub.hub.start()
        found = hub.prove_outside()
        codes.append(hub.hub.stop())
        found += hub.prove_inside(since)
        acknowledged = hub.ledger.acknowledged

    assert codes == [0, 0]
    assert left == 0
    assert acknowledged > 0
    assert found == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_records_that_nothing_signed_covers_after_a_crash_are_covered_soon(kind: str, tmp_path: Path) -> None:
    with crashes(kind, tmp_path, **LEADER_RESTS) as hub:
        since = hub.begin()
        hub.load(hub.hub.kill)
        before = _uncovered(hub.settings)

        hub.hub.start()

        after = _uncovered_at_last(hub.settings)
        found = hub.prove_outside()
        hub.hub.stop()
        found += hub.prove_inside(since)

    assert before > 0
    assert after == 0
    assert found == []
