"""Finds the files of a folder that are whole and were not sent, and gathers them into batches."""

import hashlib
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.exchange.ssmix2.gateway.journal import DEAD, SENT, Journal, Row
from app.exchange.ssmix2.gateway.walk import UNFINISHED, Found, entries_of, readable
from dicom.media.directory import MEDIA_STORAGE_DIRECTORY_STORAGE
from dicom.media.listing import NAME
from dicom.part10 import media_storage_uids

BATCH_FILES = 200
BATCH_BYTES = 64_000_000
"""After which a batch is sent; a larger file goes alone."""
HEAD_BYTES = 4_096
"""Enough for the File Meta Information."""
PIECE_BYTES = 1_000_000

NO_DICOM = "no DICOM file"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Image:
    """A file that is sent."""

    row: Row
    """What the journal will say of it."""
    place: Path
    sop_instance_uid: str
    """As its File Meta Information says: by it the hub's answer tells of the file."""

    def is_there(self) -> bool:
        """Return whether it is still what was read."""
        try:
            facts = self.place.stat(follow_symlinks=False)
        except OSError:
            return False
        return (facts.st_mtime_ns, facts.st_size) == (self.row.mtime_ns, self.row.size)


@dataclass(slots=True)
class Batch:
    """Files that are sent together, and what is noted without being sent."""

    images: list[Image] = field(default_factory=list)
    noted: list[Row] = field(default_factory=list)
    """Files that were touched and say what they said, and tables of contents."""
    refused: list[tuple[Row, str]] = field(default_factory=list)
    sent: list[Image] = field(default_factory=list)
    """Those of `noted` that were sent, and lie here still or again."""
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is to be sent."""
        return self.count >= BATCH_FILES or self.size >= BATCH_BYTES

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self.images) + len(self.noted) + len(self.refused)

    def halves(self) -> tuple["Batch", "Batch"]:
        """Return its first and its second half."""
        middle = len(self.images) // 2
        return Batch(self.images[:middle]), Batch(self.images[middle:])


def folders(root: Path) -> Iterator[str]:
    """Yield every folder below a root, itself first, as paths below it; links are not followed."""
    for place, inside, _ in os.walk(root, followlinks=False):
        inside[:] = sorted(one for one in inside if not UNFINISHED.fullmatch(one))
        yield Path(place).relative_to(root).as_posix().removeprefix(".")


def folder_of(parts: tuple[str, ...]) -> str:
    """Return the folder of a file, from the parts of its path below the root."""
    return "/".join(parts[:-1])


def folder_with(root: Path, image: Image) -> str:
    """Return the folder below a root in which an image lies, as the system calls it: no text may say its name."""
    return folder_of(image.place.relative_to(root).parts)


class Reader:
    """Reads what is to be sent.

    Args:
        root: The folder.
        journal: What was sent before.
        settle_seconds: How long nobody must have written to a file.
        moves: Whether what was sent does not stay: a gateway may have ended before it was moved.

    Attributes:
        unfinished: Folders with a file that was not whole yet: they are looked at again.
    """

    def __init__(self, root: Path, journal: Journal, settle_seconds: float, *, moves: bool = False) -> None:
        self._root, self._journal, self._settle, self._moves = root, journal, settle_seconds, moves
        self.unfinished: set[str] = set()

    def batches(self, paths: Iterable[str]) -> Iterator[Batch]:
        """Yield what is to be sent of folders, in batches."""
        batch = Batch()
        for folder in paths:
            self.unfinished.discard(folder)
            for found in self._news(folder):
                self._add(batch, found, folder)
                if batch.is_full:
                    yield batch
                    batch = Batch()
        if batch.count:
            yield batch

    def _news(self, folder: str) -> Iterator[Found]:
        """Yield the files of a folder that the journal does not know, or knows otherwise."""
        for one in entries_of(self._root / folder, folder, _unread):
            if UNFINISHED.fullmatch(one.name) or not one.is_file(follow_symlinks=False):
                continue
            try:
                facts = one.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            path = f"{readable(folder)}/{readable(one.name)}".removeprefix("/")
            row = self._journal.row(path)
            stays = self._moves and row is not None and row.state == SENT and one.name.casefold() != NAME.casefold()
            if row is None or stays or (row.mtime_ns, row.size) != (facts.st_mtime_ns, facts.st_size):
                yield Found(path, Path(one.path), facts.st_mtime_ns, facts.st_size)

    def _add(self, batch: Batch, found: Found, folder: str) -> None:
        if not found.is_whole(self._settle):
            self.unfinished.add(folder)
            return
        try:
            head, digest, size = _read(found.place)
        except OSError as error:
            logger.warning("A file cannot be read: %s", error)
            self.unfinished.add(folder)
            return
        if size != found.size:
            # Somebody is still writing to it.
            self.unfinished.add(folder)
            return
        known, row = self._journal.row(found.path), Row(found.path, found.mtime_ns, found.size, digest, 0)
        sop_class, instance = media_storage_uids(head)
        if known is not None and known.digest == digest:
            batch.noted.append(replace(row, state=known.state))
            if known.state == SENT and sop_class != MEDIA_STORAGE_DIRECTORY_STORAGE:
                batch.sent.append(Image(row, found.place, instance))
            return
        if head[128:132] != b"DICM":
            batch.refused.append((replace(row, state=DEAD), NO_DICOM))
        elif sop_class == MEDIA_STORAGE_DIRECTORY_STORAGE:
            batch.noted.append(replace(row, state=SENT))
        else:
            batch.images.append(Image(row, found.place, instance))
            batch.size += found.size


def _unread(_: str, error: OSError) -> None:
    logger.warning("A folder cannot be read: %s", error)


def _read(place: Path) -> tuple[bytes, bytes, int]:
    """Return the first bytes of a file, the SHA-256 of all, and how many there are."""
    whole, size = hashlib.sha256(), 0
    with place.open("rb") as file:
        head = piece = file.read(HEAD_BYTES)
        while piece:
            whole.update(piece)
            size += len(piece)
            piece = file.read(PIECE_BYTES)
    return head, whole.digest(), size
