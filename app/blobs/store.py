"""What the hub asks of a blob store, and the choice of one.

A blob is in its place or set aside, and is read from either. Only the collector sets aside, one at a time.
"""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.settings import Settings

DAY = 86_400_000_000
"""Microseconds. No request takes so long from the first byte of a blob to the commit that refers to it."""

ASIDE = "aside"
"""Where blobs wait that the collector has set aside; they are read as before."""

PAGE = 1_000
"""The most blobs of a page of a listing."""

IS_DIGEST = re.compile("[0-9a-f]{64}").fullmatch


class BlobMissing(Exception):
    """There is no such blob."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A blob as its store lists it."""

    custodian: int
    digest: str
    size: int
    """Bytes."""
    modified: int
    """When it was written, or set aside: microseconds since 1970 UTC by the store's clock."""


class Incoming:
    """A blob on its way in: bytes are spooled to a temporary file and hashed as they come.

    Args:
        folder: Where the temporary file is made.
    """

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self.path = folder / f"incoming-{secrets.token_hex(12)}"
        self._file = open(_new_file(self.path), "w+b")  # noqa: SIM115 - closed by finish or discard

    def write(self, chunk: bytes | memoryview) -> None:
        """Add bytes."""
        self.size += len(chunk)
        self._hash.update(chunk)
        self._file.write(chunk)

    @property
    def digest(self) -> str:
        """The digest of what was written so far: SHA-256 in 64 hexadecimal digits."""
        return self._hash.hexdigest()

    def readable(self) -> None:
        """See to it that whoever opens the file reads everything; it is not durable yet."""
        if not self._file.closed:
            self._file.flush()

    def finish(self) -> str:
        """Flush everything to the disk and return the digest, 64 hexadecimal digits; a second time does nothing."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return self.digest

    def close(self) -> None:
        """Close the file; what it holds can be read from `path`, and is not durable."""
        self._file.close()

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        try:
            self._file.close()
        except OSError:
            # What was not written yet finds no room: it is not wanted either.
            pass
        finally:
            self.path.unlink(missing_ok=True)


def _new_file(path: Path) -> int:
    """Return the descriptor of a file that is new; its folder is made when it is not there."""
    for _ in range(2):
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
    raise FileNotFoundError(path)


class Blobs(Protocol):
    """A blob store."""

    def incoming(self) -> Incoming:
        """Begin a blob."""
        ...

    async def keep(self, custodian: int, incoming: Incoming) -> str:
        """Keep a finished or unfinished blob and return its digest once it is durable; a second time is no error."""
        ...

    async def keep_all(self, custodian: int, incoming: Sequence[Incoming]) -> None:
        """Keep several blobs; all of them are durable when it returns, for less than one after the other would cost."""
        ...

    async def read(self, custodian: int, digest: str, start: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `start`, or all from there.

        Raises:
            BlobMissing: it is not there.
        """
        ...

    def stream(self, custodian: int, digest: str) -> AsyncIterator[bytes]:
        """Return the blob in pieces.

        Raises:
            BlobMissing: it is not there, said with the first piece.
        """
        ...

    async def now(self) -> int:
        """Return the present by the store's clock: microseconds since 1970 UTC."""
        ...

    async def custodians(self, *, aside: bool = False) -> list[int]:
        """Return the custodians that blobs are kept, or set aside, for, from the lowest."""
        ...

    def listing(self, custodian: int, *, aside: bool = False) -> AsyncIterator[list[Kept]]:
        """Return the blobs of a custodian that are in their places, or set aside, in pages by digest."""
        ...

    async def set_aside(self, custodian: int, digest: str, before: int) -> bool:
        """Put a blob aside if it was written before an instant of the store's clock; return whether it was."""
        ...

    async def bring_back(self, custodian: int, digest: str) -> bool:
        """Put a blob that was set aside back unless one is in its place; return whether none was."""
        ...

    async def remove_aside(self, custodian: int, digest: str) -> None:
        """Remove a blob that was set aside for good; one that is gone is no error."""
        ...

    def clear_incoming(self) -> int:
        """Remove what interrupted uploads left on this machine and return its bytes."""
        ...


def disk_now(folder: Path) -> int:
    """Return the present by the clock of a folder's disk: microseconds since 1970 UTC."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime_ns // 1000


def clear_incoming(folder: Path) -> int:
    """Remove the temporary files that nothing was added to for a day and return their bytes."""
    before, cleared = disk_now(folder) - DAY, 0
    for path in folder.glob("incoming-*"):
        try:
            found = path.stat()
            if found.st_mtime_ns // 1000 < before:
                path.unlink()
                cleared += found.st_size
        except FileNotFoundError:
            # Its upload has just ended.
            continue
    return cleared


def open_blobs(settings: Settings) -> Blobs:
    """Return the store that `settings` names."""
    place = settings.blobs_place
    if place.startswith("s3://"):
        from app.blobs.s3 import S3Blobs

        return S3Blobs(place, settings.home / "incoming")
    from app.blobs.folder import FolderBlobs

    return FolderBlobs(Path(place))
