"""What gateways have in common: a walk through all that there is, then whatever changes, until told to stop."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.journal import Journal
from app.exchange.ssmix2.gateway.patience import Patience

T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """How far a gateway is."""

    done: int = 0
    unchanged: int = 0
    refused: int = 0
    patients: int = 0
    patients_begun: int = 0
    down: str = ""
    """Why the line is down; empty while it is up."""


class Pace(Protocol):
    """How a gateway goes on."""

    @property
    def once(self) -> bool: ...  # noqa: D102 - whether it ends after one walk
    @property
    def every_seconds(self) -> float: ...  # noqa: D102 - how often all of it is walked through, since events get lost
    @property
    def settle_seconds(self) -> float: ...  # noqa: D102 - how long nobody must have written to a file


class Unfinished(Protocol):
    """What reads for a gateway."""

    unfinished: set[str]
    """Folders in which something was not whole yet: they are looked at again."""


class Carrying(ABC):
    """A gateway at work.

    Args:
        pace: How it goes on.
        journal: What was sent before.
        dead: Where refused files go.
        reader: Reads what is to be sent.
        tell: Told of the progress after each batch, and when the line goes down.
    """

    def __init__(
        self, pace: Pace, journal: Journal, dead: DeadLetters, reader: Unfinished, tell: Callable[[Progress], None]
    ) -> None:
        self.progress = Progress()
        self._pace, self._unfinished = pace, reader
        self._journal, self._dead, self._tell = journal, dead, tell
        self._stop = asyncio.Event()
        self._patience = Patience(self._stop, journal, once=pace.once, tell=self._line_is)
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._walked = 0.0

    @abstractmethod
    def _watch(self) -> list[Callable[[], Awaitable[None]]]:
        """Start what tells of changes; return what ends it."""

    @abstractmethod
    async def _send_everything(self) -> None:
        """Send what is to be sent of all that there is."""

    @abstractmethod
    async def _send_all(self, folders: Iterable[str]) -> None:
        """Send what is to be sent of folders."""

    def stop(self) -> None:
        """Stop after the batch at work."""
        self._stop.set()
        self._woken.set()

    async def run(self) -> None:
        """Send what is to be sent.

        Raises:
            LineDown: the line stays down, and there was to be one walk.
            NotLetIn: the hub refuses the gateway itself.
        """
        # Before the walk, so that nothing falls between.
        watching = [] if self._pace.once else self._watch()
        try:
            await self._walk()
            while not (self._pace.once or self._stop.is_set()):
                await self._next()
            if self._pace.once and self._unfinished.unfinished and not self._stop.is_set():
                await asyncio.sleep(self._pace.settle_seconds)
                await self._send_all(sorted(self._unfinished.unfinished))
        finally:
            for end in watching:
                await end()

    def _note_changes(self, folders: Iterable[str]) -> None:
        self._changed.update(folders)
        if self._changed:
            self._woken.set()

    async def _walk(self) -> None:
        """Go through all that there is."""
        self._journal.note(walk_begun=int(time.time()), walk_ended="")
        await self._send_everything()
        if not self._stop.is_set():
            self._journal.note(walk_ended=int(time.time()))
        self._walked = time.monotonic()

    async def _next(self) -> None:
        """Wait for changes and send them; walk again when it is time."""
        left = self._walked + self._pace.every_seconds - time.monotonic()
        wait = min(left, max(self._pace.settle_seconds, 0.1)) if self._unfinished.unfinished else left
        try:
            await asyncio.wait_for(self._woken.wait(), max(wait, 0.0))
        except TimeoutError:
            if not self._unfinished.unfinished or left <= 0:
                await self._walk()
                return
        if self._stop.is_set():
            return
        self._woken.clear()
        changed = sorted(self._changed | self._unfinished.unfinished)
        self._changed.clear()
        await self._send_all(changed)

    def _line_is(self, down: str) -> None:
        self.progress.down = down
        if down:
            self._tell(self.progress)


def next_of(batches: Iterator[T]) -> T | None:
    """Return the next batch, or None; for a thread, which must raise no StopIteration."""
    return next(batches, None)
