"""The gateway at work: a walk through the folder, then whatever comes into it, until it is told to stop."""

import asyncio
import filecmp
import logging
import shutil
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from app.background import started
from app.exchange.ssmix2.gateway.carrying import Carrying, Progress, next_of
from app.exchange.ssmix2.gateway.changes import by_events
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.hub_line import Answered, NotTaken, finding
from app.exchange.ssmix2.gateway.journal import DEAD, SENT, Journal
from app.imaging.folder.line import StowLine
from app.imaging.folder.walk import Batch, Image, Reader, folder_of, folder_with, folders

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


class FolderGateway(Carrying):
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
        self._reader = Reader(wanted.root, journal, wanted.settle_seconds, moves=wanted.moved_to is not None)
        super().__init__(wanted, journal, dead, self._reader, tell)
        self._wanted, self._line = wanted, line

    def _watch(self) -> list[Callable[[], Awaitable[None]]]:
        return [started(self._follow(), "folder events")]

    async def _follow(self) -> None:
        async for changed in by_events(self._wanted.root, self._stop, folder_of):
            self._note_changes(changed)

    async def _send_everything(self) -> None:
        await self._send_all(folders(self._wanted.root))

    async def _send_all(self, folders: Iterable[str]) -> None:
        batches = self._reader.batches(folders)
        while not self._stop.is_set() and (batch := await asyncio.to_thread(next_of, batches)) is not None:
            await self._deliver(batch)
            self._tell(self.progress)

    async def _deliver(self, batch: Batch) -> None:
        """Send a batch, again and again while the line is down, and note what became of it."""
        for row, reason in batch.refused:
            self._dead.put(row.path, b"", [finding(reason)])
        self._journal.keep([*batch.noted, *(row for row, _ in batch.refused)])
        self.progress.unchanged += len(batch.noted)
        self.progress.refused += len(batch.refused)
        for image in batch.sent:
            await asyncio.to_thread(self._put_away, image)
        if not batch.images:
            return
        try:
            answers = await self._patience.send(lambda: self._line.send(batch.images))
        except NotTaken as error:
            await self._in_parts(batch, str(error))
        except OSError as error:
            # A file was taken away while it was sent: what is there is found at the next look.
            logger.warning("A file cannot be read: %s", error)
            self._reader.unfinished |= {folder_with(self._wanted.root, one) for one in batch.images}
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
            self._reader.unfinished.add(folder_with(self._wanted.root, image))
            return
        try:
            _move(image.place, self._wanted.moved_to / image.row.path)
        except OSError as error:
            # Its disk is full, or somebody was quicker: what is sent comes first, and the next walk tries again.
            logger.warning("What was sent cannot be moved: %s", error)


def _move(place: Path, wanted: Path) -> None:
    target = _free(wanted, place)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        place.replace(target)
    except OSError:
        # Another file system.
        shutil.move(place, target)


def _free(target: Path, place: Path) -> Path:
    """Return where a file is moved: names come again, and what lies there stays, unless it says the same."""
    number, found = 1, target
    while found.exists() and not (found.is_file() and filecmp.cmp(found, place, shallow=False)):
        number += 1
        found = target.with_name(f"{target.name}~{number}")
    return found


def _copy(image: Image) -> bytes:
    """Return a file that was refused; nothing of one that is too large, or was taken away."""
    try:
        return image.place.read_bytes() if image.row.size <= LARGEST_LETTER else b""
    except OSError:
        return b""
