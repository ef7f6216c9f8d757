"""The power is cut under a load: what the hub acknowledged and disclosed is on the disk, with its audit records.

An ext4 lies on a disk that forgets what was not flushed (`tests/e2e/losing_disk.py`). `RENKEI_CRASH_SEED` repeats a
run's plan.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.e2e.crashing import SEED, Crashes, crashes
from tests.e2e.losing_disk import Disk, losing_disk

DISK_BYTES = {"sqlite": 128 << 20, "postgresql": 384 << 20}
SHARES = (0.0, 0.5)
"""Which share of what was not flushed reaches the disk all the same."""

UNFLUSHED = (sys.executable, "-m", "tests.e2e.unflushed")
SOAK_ROUNDS = int(os.environ.get("RENKEI_CRASH_ROUNDS") or 200) // 10

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/dev/fuse", os.W_OK), reason="only root mounts a disk of its own, by /dev/fuse"
)


@contextlib.contextmanager
def on_a_losing_disk(kind: str, *, flushing: bool = True) -> Iterator[tuple[Crashes, Disk]]:
    """A hub whose folder and whose database are on a losing disk."""
    place = Path(tempfile.mkdtemp(prefix="renkei-power-cut-"))
    place.chmod(0o755)
    command: Sequence[str] = () if flushing or kind == "postgresql" else UNFLUSHED
    options = "" if flushing else "-c fsync=off"
    try:
        with losing_disk(place, DISK_BYTES[kind]) as disk:
            home = disk.folder / "hub"
            home.mkdir()
            with crashes(kind, home, command, options=options, place=disk.folder) as hub:
                # What was made for the test is on the disk; from here on only what is flushed.
                disk.sync()
                yield hub, disk
    finally:
        shutil.rmtree(place, ignore_errors=True)


def cut_the_power(hub: Crashes, disk: Disk, share: float, *, seconds: float | None = None) -> None:
    """End everything in the middle of a load, forget what was not flushed, and start again."""

    def strike() -> None:
        hub.hub.kill()
        if hub.server is not None:
            hub.server.kill(signal.SIGKILL)
        disk.cut(f"{SEED}-{hub.rounds}", share)

    hub.load(strike, seconds=seconds)
    if hub.server is not None:
        hub.server.start()
    hub.hub.start()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_power_cut_takes_nothing_that_was_acknowledged_or_disclosed(kind: str) -> None:
    with on_a_losing_disk(kind) as (hub, disk):
        found = []
        for share in SHARES:
            since = hub.begin()
            cut_the_power(hub, disk, share)
            found += hub.prove(since)
        acknowledged, flushes = hub.ledger.acknowledged, disk.say("tell")

    assert found == []
    assert acknowledged > 10
    assert flushes > 10


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_cut_finds_out_a_database_that_does_not_flush(kind: str) -> None:
    with on_a_losing_disk(kind, flushing=False) as (hub, disk):
        since = hub.begin()
        cut_the_power(hub, disk, 0.0, seconds=1.0)

        found = hub.prove(since)

    assert any(": lost: " in one for one in found)
    assert any("disclosed" in one and "without a record" in one for one in found)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_power_is_cut_at_twenty_moments(kind: str) -> None:
    with on_a_losing_disk(kind) as (hub, disk):
        for number in range(1, SOAK_ROUNDS + 1):
            since = hub.begin()
            cut_the_power(hub, disk, SHARES[number % len(SHARES)])

            last = number == SOAK_ROUNDS
            assert hub.prove(since, index=last, everything=last) == []
