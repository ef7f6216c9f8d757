"""The hub is killed at random moments of a mixed load: what it acknowledged is there, whole and once.

`RENKEI_CRASH_SEED` repeats a run's plan; the moments themselves are as exact as the machine's clock.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.crashing import crashes

ROUNDS = {
    "sqlite": ("hub", "hub twice", "two workers", "hub"),
    "postgresql": ("hub", "hub twice", "two workers", "postmaster -9", "postmaster -3"),
}


CARELESS = (sys.executable, "-m", "tests.e2e.careless")
SOAK_ROUNDS = int(os.environ.get("RENKEI_CRASH_ROUNDS") or 200)
INDEX_EVERY = 20


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_acknowledged_is_lost_halved_or_doubled_by_a_crash(kind: str, tmp_path: Path) -> None:
    with crashes(kind, tmp_path) as hub:
        found = [one for name in ROUNDS[kind] for one in hub.round(name)]
        acknowledged = hub.ledger.acknowledged

    assert found == []
    assert acknowledged > 50


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_proof_finds_out_a_hub_that_acknowledges_before_it_commits(kind: str, tmp_path: Path) -> None:
    with crashes(kind, tmp_path, CARELESS) as hub:
        since = hub.begin()
        hub.load(hub.hub.kill, seconds=1.0)
        hub.hub.start()

        found = hub.prove(since)

    assert any(": lost: " in one for one in found)
    assert any("disclosed" in one and "without a record" in one for one in found)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_at_two_hundred_moments(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with crashes(kind, tmp_path) as hub:
        for number in range(1, SOAK_ROUNDS + 1):
            name = ROUNDS[kind][number % len(ROUNDS[kind])]
            last = number == SOAK_ROUNDS
            found = hub.round(name, index=last or number % INDEX_EVERY == 0, everything=last)
            assert found == []
            with capsys.disabled():
                sys.stdout.write(f"\r{kind}: {number} of {SOAK_ROUNDS} crashes, {hub.ledger.acknowledged} writes")
                sys.stdout.flush()
        assert hub.ledger.acknowledged > 10 * SOAK_ROUNDS
