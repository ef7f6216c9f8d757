"""Work beside the requests: done again and again, whatever fails."""

import asyncio
import logging

import pytest

from app.background import again
from app.db import DatabaseUnavailable

pytestmark = pytest.mark.anyio

logger = logging.getLogger(__name__)


class Waits:
    """Stands for the clock, and ends the work after so many waits."""

    def __init__(self, most: int) -> None:
        self.seconds: list[float] = []
        self._most = most

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) > self._most:
            raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({}, [2, 2, 2, 2, 2, 2]),
        ({"at_once": True}, [0, 2, 2, 2, 2, 2]),
        ({"longest_seconds": 7}, [2, 4, 7, 7, 2, 7]),
        ({"longest_seconds": 7, "at_once": True}, [0, 2, 4, 7, 2, 7]),
    ],
)
async def test_work_that_fails_is_done_again_later(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    named: dict[str, float],
    expected: list[float],
) -> None:
    waits = Waits(5)
    answers = [DatabaseUnavailable("away"), DatabaseUnavailable("away"), DatabaseUnavailable("away"), None]
    monkeypatch.setattr("app.background.asyncio.sleep", waits)

    async def work() -> None:
        answer = answers.pop(0) if answers else ValueError("a fault")
        if answer is not None:
            raise answer

    with pytest.raises(asyncio.CancelledError):
        await again(work, 2, logger, waits="It waits", fails="It cannot be done", **named)

    assert waits.seconds == expected
    assert [one.getMessage() for one in caplog.records] == ["It waits: away"] * 3 + ["It cannot be done"]
