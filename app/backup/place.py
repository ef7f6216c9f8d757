"""The place of backups: a folder with one folder for each backup, and the blobs they share.

    20261122T182614.000Z/   one backup, under this name only when it is whole
        HEADER              what it is, in plain words, signed
        SHA256SUMS          every other file with its digest; `sha256sum -c SHA256SUMS` reads it
        manifest.age        what the segments hold
        000001.age …        rows of tables
    blobs/ab/cd/….age       blobs, each once, whatever the number of backups

All that is written gets a temporary name first, is flushed, renamed, and its folder flushed.
"""

import fcntl
import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.backup.failures import Busy, Damaged
from app.clock import instant
from app.flush import flush_folder, write_whole

HEADER = "HEADER"
SUMS = "SHA256SUMS"
MANIFEST = "manifest.age"
BLOBS = "blobs"
PARTIAL = ".partial"

_PIECE_BYTES = 1 << 20
_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z")


def write(path: Path, octets: bytes) -> None:
    """Write a file that is either there, whole and durable, or not there at all; its owner alone may open it."""
    write_whole(path, octets, mode=0o600)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits.

    Raises:
        Damaged: it is missing.
    """
    found = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE_BYTES):
                found.update(piece)
    except FileNotFoundError:
        raise Damaged(f"{path.name} is missing") from None
    return found.hexdigest()


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Hold a place for one run; the lock ends with the process, whatever ends it.

    Raises:
        Busy: another run holds it.
    """
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (place / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(f"Another run is writing a backup into {place}") from None
        yield


def begin(place: Path, taken: int) -> Path:
    """Return a new folder for the backup of an instant, in microseconds; what interrupted runs left is removed.

    Their tables are of another instant and useless. Their blobs are not: those stay, and are not copied again.
    """
    for left in place.glob("*" + PARTIAL):
        shutil.rmtree(left)
    folder = place / (instant(taken).replace("-", "").replace(":", "") + PARTIAL)
    folder.mkdir(mode=0o700)
    return folder


def finish(folder: Path) -> Path:
    """Give a backup its name, now that everything in it is durable."""
    whole = folder.with_suffix("")
    folder.rename(whole)
    flush_folder(whole.parent)
    return whole


def backups(place: Path) -> list[Path]:
    """Return the whole backups in a place, the oldest first."""
    return sorted(one for one in place.iterdir() if _NAME.fullmatch(one.name) and one.is_dir())


def find(folder: Path) -> Path:
    """Return the backup that `folder` is, or the newest in it.

    Raises:
        Damaged: there is none.
    """
    if not folder.is_dir():
        raise Damaged(f"There is no folder {folder}")
    if _NAME.fullmatch(folder.resolve().name) or (folder / HEADER).exists():
        return folder
    found = backups(folder)
    if not found:
        raise Damaged(f"There is no whole backup in {folder}")
    return found[-1]
