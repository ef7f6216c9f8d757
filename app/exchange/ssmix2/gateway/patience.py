"""Sends the same thing again and again while the line to the hub is down, and stops when it is told to."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from app.exchange.ssmix2.gateway.hub_line import LineDown
from app.exchange.ssmix2.gateway.journal import Journal

T = TypeVar("T")

SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
"""How long the gateway waits before it tries a line again that is down."""

ATTEMPTS_ONCE = 5
"""How often it tries when it is to walk through the store once."""

STOP_SECONDS = 10.0
"""How long a batch that is on its way is waited for when the gateway is told to stop."""

logger = logging.getLogger(__name__)


class Patience:
    """The patience of one gateway.

    Args:
        stop: Set when the gateway is told to stop.
        journal: Keeps since when the line is down.
        once: Whether it gives up after some attempts.
        tell: Told why the line is down; an empty text when it is up.
    """

    def __init__(self, stop: asyncio.Event, journal: Journal, *, once: bool, tell: Callable[[str], None]) -> None:
        self._stop, self._journal, self._once, self._tell = stop, journal, once, tell
        self._down: str | None = None

    async def send(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Return what the hub says; None when the gateway was told to stop before.

        Raises:
            LineDown: it stays down, and there is but one walk.
        """
        wait, attempts = SHORTEST_WAIT_SECONDS, 0
        while not self._stop.is_set():
            try:
                answers = await self._until_stopped(work)
            except LineDown as error:
                attempts += 1
                if self._once and attempts >= ATTEMPTS_ONCE:
                    raise
                self._line_is(str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), max(wait, error.after_seconds))
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            else:
                self._line_is("")
                return answers
        return None

    async def _until_stopped(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Send; when the gateway is told to stop, wait a little for the answer."""
        sending = asyncio.ensure_future(work())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not sending.done():
            await asyncio.wait({sending}, timeout=STOP_SECONDS)
        if not sending.done():
            sending.cancel()
            return None
        return sending.result()

    def _line_is(self, down: str) -> None:
        if down and not self._down:
            logger.warning("The line is down: %s", down)
        if self._down is None or bool(down) != bool(self._down):
            # The gateway before may have ended while the line was down.
            self._journal.note(line_down=down and f"since {time.strftime('%Y-%m-%d %H:%M:%S')}: {down}")
        self._down = down
        self._tell(down)
