"""The gateway at work: a walk through the folder, then whatever comes into it, until it is told to stop."""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.background import started
from app.exchange.ssmix2.gateway.changes import by_events
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.hub_line import Answered, NotTaken
from app.exchange.ssmix2.gateway.journal import DEAD, SENT, Journal
from app.exchange.ssmix2.gateway.patience import Patience
from app.exchange.ssmix2.gateway.run import Progress
from app.imaging.folder.line import StowLine, finding
from app.imaging.folder.walk import Batch, Image, Reader, folder_of, folders

LARGEST_LETTER = 100_000_000
"""A larger file that was refused is not copied to the dead letters; it stays where it is."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the gateway is to do."""

    root: Path
    moved_to: Path | None = None
    """Where what was sent goes; None: it stays, and the journal remembers it."""
    once: bool = False
    every_seconds: float = 3600.0
    """How often the whole folder is walked through, since events get lost."""
    settle_seconds: float = 2.0
    """How long nobody must have written to a file."""


class FolderGateway:
    """One gateway.

    Args:
        wanted: What it is to do.
        journal: What was sent before.
        dead: Where refused files go.
        line: The line to the hub.
        tell: Told of the progress after each batch, and when the line goes down.
    """

    def __init__(
        self,
        wanted: Wanted,
        journal: Journal,
        dead: DeadLetters,
        line: StowLine,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.progress = Progress()
        self._wanted, self._journal, self._dead, self._line, self._tell = wanted, journal, dead, line, tell
        self._reader = Reader(wanted.root, journal, wanted.settle_seconds)
        self._stop = asyncio.Event()
        self._patience = Patience(self._stop, journal, once=wanted.once, tell=self._line_is)
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._walked = 0.0

    def stop(self) -> None:
        """Stop after the batch at work."""
        self._stop.set()
        self._woken.set()

    async def run(self) -> None:
        """Send what is to be sent.

        Raises:
            LineDown: the line stays down, and the folder was to be walked through once.
            NotLetIn: the hub refuses the gateway itself.
        """
        watching = None if self._wanted.once else started(self._follow(), "folder events")
        try:
            await self._walk()
            while not (self._wanted.once or self._stop.is_set()):
                await self._next()
            if self._wanted.once and self._reader.unfinished and not self._stop.is_set():
                await asyncio.sleep(self._wanted.settle_seconds)
                await self._send_all(sorted(self._reader.unfinished))
        finally:
            if watching is not None:
                await watching()

    async def _follow(self) -> None:
        async for changed in by_events(self._wanted.root, self._stop, folder_of):
            self._changed |= changed
            self._woken.set()

    async def _walk(self) -> None:
        """Go through the whole folder."""
        self._journal.note(walk_begun=int(time.time()), walk_ended="")
        await self._send_all(folders(self._wanted.root))
        if not self._stop.is_set():
            self._journal.note(walk_ended=int(time.time()))
        self._walked = time.monotonic()

    async def _next(self) -> None:
        """Wait for changes and send them; walk again when it is time."""
        left = self._walked + self._wanted.every_seconds - time.monotonic()
        wait = min(left, max(self._wanted.settle_seconds, 0.1)) if self._reader.unfinished else left
        try:
            await asyncio.wait_for(self._woken.wait(), max(wait, 0.0))
        except TimeoutError:
            if not self._reader.unfinished or left <= 0:
                await self._walk()
                return
        self._woken.clear()
        changed = sorted(self._changed | self._reader.unfinished)
        self._changed.clear()
        if not self._stop.is_set():
            await self._send_all(changed)

    async def _send_all(self, paths: Iterable[str]) -> None:
        batches = self._reader.batches(paths)
        while not self._stop.is_set() and (batch := await asyncio.to_thread(_next_of, batches)) is not None:
            await self._deliver(batch)
            self._tell(self.progress)

    async def _deliver(self, batch: Batch) -> None:
        """Send a batch, again and again while the line is down, and note what became of it."""
        for row, reason in batch.refused:
            self._dead.put(row.path, b"", [finding(reason)])
        self._journal.keep([*batch.noted, *(row for row, _ in batch.refused)])
        self.progress.unchanged += len(batch.noted)
        self.progress.refused += len(batch.refused)
        if not batch.images:
            return
        try:
            answers = await self._patience.send(lambda: self._line.send(batch.images))
        except NotTaken as error:
            await self._in_parts(batch, str(error))
        except OSError as error:
            # A file was taken away while it was sent: what is there is found at the next look.
            logger.warning("A file cannot be read: %s", error)
            self._reader.unfinished |= {one.row.path.rpartition("/")[0] for one in batch.images}
        else:
            if answers is not None:
                await asyncio.to_thread(self._note, batch.images, answers)

    async def _in_parts(self, batch: Batch, reason: str) -> None:
        """Send a batch in halves, down to the one file that the hub does not take."""
        if len(batch.images) > 1:
            for half in batch.halves():
                await self._deliver(half)
        else:
            self._note(batch.images, [Answered(batch.images[0].row.path, "refused", [finding(reason)])])

    def _note(self, images: list[Image], answers: list[Answered]) -> None:
        refused = [(image, answer) for image, answer in zip(images, answers, strict=True) if answer.state == "refused"]
        for image, answer in refused:
            self._dead.put(image.row.path, _copy(image), answer.findings)
        taken = [image for image, answer in zip(images, answers, strict=True) if answer.state != "refused"]
        for image in taken:
            self._dead.remove(image.row.path)
        rows = [replace(image.row, state=SENT) for image in taken]
        self._journal.keep([*rows, *(replace(image.row, state=DEAD) for image, _ in refused)])
        for image in taken:
            self._put_away(image)
        self.progress.done += len(taken)
        self.progress.refused += len(refused)

    def _put_away(self, image: Image) -> None:
        """Move what the hub has, where that is wanted; the journal knows it by then.

        What was written there meanwhile stays, and is sent.
        """
        if self._wanted.moved_to is None:
            return
        if not image.is_there():
            self._reader.unfinished.add(image.row.path.rpartition("/")[0])
            return
        target = self._wanted.moved_to / image.row.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            image.place.replace(target)
        except OSError:
            # Another file system.
            shutil.move(image.place, target)

    def _line_is(self, down: str) -> None:
        self.progress.down = down
        if down:
            self._tell(self.progress)


def _copy(image: Image) -> bytes:
    """Return a file that was refused; nothing of one that is too large, or was taken away."""
    try:
        return image.place.read_bytes() if image.row.size <= LARGEST_LETTER else b""
    except OSError:
        return b""


def _next_of(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
