"""Walks a store, one patient after the other: memory holds the names of one patient's files."""

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.exchange.ssmix2.kinds import BASIC
from app.exchange.ssmix2.path import NO_DATE, NotOfAStore, read_name
from app.exchange.ssmix2.transactions import NAME as TRANSACTIONS

UNFINISHED = re.compile(r"[.~#].*|.*(?:~|\.(?:tmp|temp|part|partial|lock|lck|new|writing|swp))", re.IGNORECASE)
"""Names of files that somebody is still writing, and of locks."""

Unread = Callable[[str, OSError], None]
"""Told of a folder or a file that is there and cannot be read, by its path below the root."""

logger = logging.getLogger(__name__)

CONTENT_DEPTH = 6
"""A folder so deep is the content folder of an extended store: one document with its attachments."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the store, or a content folder of an extended one."""

    path: str
    """Below the root, with `/` between its parts."""
    place: Path
    mtime_ns: int
    """Of a folder: that of its newest file."""
    size: int
    """Bytes; of a folder: of all its files."""
    parts: tuple[str, ...] | None = None
    """Of a folder: the names of its files."""

    def is_whole(self, settle_seconds: float, now_ns: int | None = None) -> bool:
        """Return whether nobody has written to it for a time."""
        return (now_ns or time.time_ns()) - self.mtime_ns >= settle_seconds * 1e9


def readable(name: str) -> str:
    """Return the name of a file as text: Windows shares and old systems write Japanese names in CP932."""
    octets = os.fsencode(name)
    for charset in ("utf-8", "cp932"):
        try:
            return octets.decode(charset)
        except UnicodeDecodeError:
            continue
    return octets.decode("ascii", "replace")


def logged(path: str, error: OSError) -> None:
    """Say in the log that something cannot be read."""
    logger.warning("%s cannot be read: %s", path or "The store", error.strerror or error)


def entries_of(folder: Path, path: str, unread: Unread) -> list[os.DirEntry[str]]:
    """Return what is in a folder, by name; nothing when it is gone or cannot be read."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda one: one.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        unread(path, error)
        return []


def _folders(root: Path, below: str, unread: Unread) -> list[str]:
    found = entries_of(root / below, readable(below), unread)
    return [one.name for one in found if one.is_dir() and not UNFINISHED.fullmatch(one.name)]


def patients(root: Path, unread: Unread = logged) -> Iterator[str]:
    """Yield the folder of each patient below the root of a store, `999/901/9999013`, in the order of their numbers."""
    for first in _folders(root, "", unread):
        for second in _folders(root, first, unread):
            for number in _folders(root, f"{first}/{second}", unread):
                yield f"{first}/{second}/{number}"


def count_patients(root: Path) -> int:
    """Return how many patients a store has."""
    return sum(1 for _ in patients(root))


def strays(root: Path) -> Iterator[Found]:
    """Yield files that lie above the patients' folders, where a store has none."""
    # The walk through the patients tells of folders that cannot be read.
    firsts = _folders(root, "", logged)
    for below in ["", *firsts, *(f"{first}/{one}" for first in firsts for one in _folders(root, first, logged))]:
        above = readable(below)
        for one in entries_of(root / below, above, logged):
            if _is_file(one):
                yield from _file(one, f"{above}/{readable(one.name)}".removeprefix("/"))


def files_of(root: Path, patient: str, unread: Unread = logged) -> list[Found]:
    """Return the files of a patient in the order in which they are sent.

    Who the patient is comes first; then by day, by the instant of each (発生日時), and by the condition flag.

    Args:
        root: The root of the store.
        patient: The patient's folder below it.
        unread: Told of what cannot be read.
    """
    return sorted(_below(root / patient, readable(patient), patient.count("/") + 1, unread), key=_order)


def _below(folder: Path, path: str, depth: int, unread: Unread) -> Iterator[Found]:
    for one in entries_of(folder, path, unread):
        below = f"{path}/{readable(one.name)}"
        if _is_file(one):
            yield from _file(one, below)
        elif one.is_dir() and depth + 1 == CONTENT_DEPTH:
            with suppress(FileNotFoundError):
                yield from _content(Path(one.path), below, unread)
        elif one.is_dir():
            yield from _below(Path(one.path), below, depth + 1, unread)


def _is_file(one: os.DirEntry[str]) -> bool:
    return one.is_file() and not UNFINISHED.fullmatch(one.name) and not TRANSACTIONS.fullmatch(one.name)


def _file(one: os.DirEntry[str], path: str) -> Iterator[Found]:
    """Yield a file; nothing when it was renamed meanwhile."""
    with suppress(FileNotFoundError):
        facts = one.stat()
        yield Found(path, Path(one.path), facts.st_mtime_ns, facts.st_size)


def _content(folder: Path, path: str, unread: Unread) -> Iterator[Found]:
    """Yield a content folder; nothing when there is nothing in it, or somebody is still writing to it."""
    entries = entries_of(folder, path, unread)
    if not entries or any(UNFINISHED.fullmatch(one.name) for one in entries):
        return
    files = [one for one in entries if one.is_file()]
    facts = [one.stat() for one in files]
    newest = max((one.st_mtime_ns for one in facts), default=folder.stat().st_mtime_ns)
    names = tuple(one.name for one in files)
    yield Found(path, folder, newest, sum(one.st_size for one in facts), names)


def _order(one: Found) -> tuple[int, str, str, int, str]:
    name = one.path.rpartition("/")[2]
    try:
        read = read_name(name)
    except NotOfAStore:
        return (2, "", "", 0, one.path)
    if read.kind == BASIC:
        return (0, "", read.occurred, _turn(read.flag), one.path)
    # What is of no day is of all of them, and stands before.
    return (1, "" if read.day == NO_DATE else read.day, read.occurred, _turn(read.flag), one.path)


def _turn(flag: int) -> int:
    """Return the place of a flag among files of one instant: history, current, deleted."""
    return {2: 0, 1: 1, 0: 2}[flag]
