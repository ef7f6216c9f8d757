"""The decision is measured alone, in a region of any size."""

from pathlib import Path

import pytest

from benchmarks.decision import measured

pytestmark = pytest.mark.anyio


async def test_a_decision_and_a_read_are_measured(tmp_path: Path) -> None:
    # Each read that finds nothing ends it.
    _, whole = await measured(20, tmp_path)

    assert whole > 0
