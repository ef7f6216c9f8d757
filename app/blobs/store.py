"""What the hub asks of a blob store, and the choice of one."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Protocol

from app.settings import Settings


class BlobMissing(Exception):
    """There is no such blob."""


class Incoming:
    """A blob on its way in: bytes are spooled to a temporary file and hashed as they come.

    Args:
        folder: Where the temporary file is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.size = 0
        self._hash = hashlib.sha256()
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(dir=folder, prefix="incoming-", delete=False)  # noqa: SIM115 - closed by finish or discard
        self.path = Path(self._file.name)

    def write(self, chunk: bytes | memoryview) -> None:
        """Add bytes."""
        self.size += len(chunk)
        self._hash.update(chunk)
        self._file.write(chunk)

    def finish(self) -> str:
        """Flush everything to the disk and return the digest, 64 hexadecimal digits; a second time does nothing."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Remove the temporary file, if it is still there."""
        try:
            self._file.close()
        except OSError:
            # What was not written yet finds no room: it is not wanted either.
            pass
        finally:
            self.path.unlink(missing_ok=True)


class Blobs(Protocol):
    """A blob store."""

    def incoming(self) -> Incoming:
        """Begin a blob."""
        ...

    async def keep(self, custodian: int, incoming: Incoming) -> str:
        """Keep a finished or unfinished blob and return its digest once it is durable; a second time is no error."""
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

    async def remove(self, custodian: int, digest: str) -> None:
        """Remove a blob; one that is gone is no error."""
        ...


def open_blobs(settings: Settings) -> Blobs:
    """Return the store that `settings` names."""
    place = settings.blobs_place
    if place.startswith("s3://"):
        from app.blobs.s3 import S3Blobs

        return S3Blobs(place, settings.home / "incoming")
    from app.blobs.folder import FolderBlobs

    return FolderBlobs(Path(place))
