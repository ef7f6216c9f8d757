"""Blobs in a folder: written to a temporary name, flushed, renamed, and the folder flushed."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

from app.blobs.store import BlobMissing, Incoming
from app.flush import flush_folder

PIECE_BYTES = 1 << 20


class FolderBlobs:
    """A folder: `<custodian>/<first two digits>/<digest>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, custodian: int, digest: str) -> Path:
        return self._folder / str(custodian) / digest[:2] / digest

    def incoming(self) -> Incoming:
        """Begin a blob."""
        return Incoming(self._folder / "incoming")

    async def keep(self, custodian: int, incoming: Incoming) -> str:
        """Keep a blob and return its digest once it is durable."""
        return await asyncio.to_thread(self._keep, custodian, incoming)

    def _keep(self, custodian: int, incoming: Incoming) -> str:
        digest = incoming.finish()
        path = self._path(custodian, digest)
        made = not path.parent.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        incoming.path.rename(path)
        flush_folder(path.parent)
        if made:
            flush_folder(path.parent.parent)
            flush_folder(self._folder)
        return digest

    async def read(self, custodian: int, digest: str, start: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `start`, or all from there."""
        try:
            descriptor = os.open(self._path(custodian, digest), os.O_RDONLY)
        except FileNotFoundError as error:
            raise BlobMissing(digest) from error
        try:
            wanted = os.fstat(descriptor).st_size - start if length is None else length
            return os.pread(descriptor, wanted, start)
        finally:
            os.close(descriptor)

    async def stream(self, custodian: int, digest: str) -> AsyncIterator[bytes]:
        """Return the blob in pieces of a megabyte."""
        start = 0
        while piece := await self.read(custodian, digest, start, PIECE_BYTES):
            yield piece
            start += len(piece)

    async def remove(self, custodian: int, digest: str) -> None:
        """Remove a blob."""
        self._path(custodian, digest).unlink(missing_ok=True)
