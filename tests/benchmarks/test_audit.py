"""The benchmark of the audit log measures a log that is whole, and what it measures is within its bars."""

import pytest

from app.settings import Settings
from benchmarks import audit


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SMALL", 1_000)
    monkeypatch.setattr(audit, "QUESTIONS", 5)
    monkeypatch.setattr(audit, "REMOVES_SECONDS", 0.5)


@pytest.mark.anyio
async def test_it_measures_searches_and_the_proof(settings: Settings, small: None) -> None:
    found = await audit.measure(settings, 3_000)

    kinds = {name.partition(",")[0] for name in found}
    assert kinds == {"patient", "person", "proof", "bytes of an event", "removals a second"}
    # Loose bars: the machine has other work; `python -m benchmarks.audit` has the real ones.
    assert 0.1 < found["proof, share of hashing"] < 2
    assert all(0 < value < 1_000_000 for value in found.values())
