"""The decision is measured alone, in a region of any size."""

import pytest

from benchmarks import decision

pytestmark = pytest.mark.anyio


async def test_a_decision_and_a_read_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decision, "ROUNDS", 1)

    # Each read that finds nothing ends it.
    async with decision.region(20) as one, decision.region(30) as other:
        costs = await decision.measured([one, other])

    assert [cost.region.people for cost in costs] == [20, 30]
    assert all(cost.region.whole > cost.decided > 0 for cost in costs)
