"""Blobs in a folder: written to a temporary name, flushed, renamed, and the folder flushed."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from app.blobs.store import ASIDE, IS_DIGEST, PAGE, BlobMissing, Incoming, Kept, clear_incoming, disk_now
from app.flush import flush_folder

PIECE_BYTES = 1 << 20
AT_ONCE = 4
"""So many threads flush the files of one request."""

_IS_PREFIX = re.compile("[0-9a-f]{2}").fullmatch


class FolderBlobs:
    """A folder: `<custodian>/<first two digits>/<digest>`, and the same below `aside`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._durable: set[Path] = set()
        """Folders whose own names are on the disk: one that is merely there may have been made a moment ago."""

    def _top(self, aside: bool) -> Path:
        return self._folder / ASIDE if aside else self._folder

    def _path(self, custodian: int, digest: str, *, aside: bool = False) -> Path:
        return self._top(aside) / str(custodian) / digest[:2] / digest

    def _move(self, *moves: tuple[Path, Path]) -> None:
        """Rename files to their paths; the names are durable when it returns, each folder flushed once."""
        changed: dict[Path, None] = {}
        for source, path in moves:
            if path.parent not in self._durable or not path.parent.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                below = self._folder.parts
                changed |= dict.fromkeys(one for one in path.parent.parents if len(one.parts) >= len(below))
            source.rename(path)
            changed[path.parent] = None
        for folder in changed:
            flush_folder(folder)
        self._durable.update(path.parent for _, path in moves)

    def incoming(self) -> Incoming:
        """Begin a blob."""
        return Incoming(self._incoming)

    async def keep(self, custodian: int, incoming: Incoming) -> str:
        """Keep a blob and return its digest once it is durable."""
        return await asyncio.to_thread(self._keep, custodian, incoming)

    def _keep(self, custodian: int, incoming: Incoming) -> str:
        digest = incoming.finish()
        self._move((incoming.path, self._path(custodian, digest)))
        return digest

    async def keep_all(self, custodian: int, incoming: Sequence[Incoming]) -> None:
        """Keep several blobs: they are flushed at the same time, so that the disk has few flushes to make of them."""
        shares = [incoming[start::AT_ONCE] for start in range(min(AT_ONCE, len(incoming)))]
        await asyncio.gather(*(asyncio.to_thread(self._keep_some, custodian, share) for share in shares))

    def _keep_some(self, custodian: int, incoming: Sequence[Incoming]) -> None:
        paths = [self._path(custodian, one.finish()) for one in incoming]
        self._move(*zip((one.path for one in incoming), paths, strict=True))

    async def read(self, custodian: int, digest: str, start: int = 0, length: int | None = None) -> bytes:
        """Return `length` bytes from `start`, or all from there."""
        descriptor = self._open(custodian, digest)
        try:
            wanted = os.fstat(descriptor).st_size - start if length is None else length
            return os.pread(descriptor, wanted, start)
        finally:
            os.close(descriptor)

    def _open(self, custodian: int, digest: str) -> int:
        here, aside = self._path(custodian, digest), self._path(custodian, digest, aside=True)
        # It may be brought back between the first look and the second.
        for path in (here, aside, here):
            try:
                return os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                continue
        raise BlobMissing(digest)

    async def stream(self, custodian: int, digest: str) -> AsyncIterator[bytes]:
        """Return the blob in pieces of a megabyte."""
        start = 0
        while piece := await self.read(custodian, digest, start, PIECE_BYTES):
            yield piece
            start += len(piece)

    async def now(self) -> int:
        """Return the present by the disk's clock."""
        return await asyncio.to_thread(disk_now, self._incoming)

    async def custodians(self, *, aside: bool = False) -> list[int]:
        """Return the custodians that have a folder."""
        return sorted(int(name) for name in await asyncio.to_thread(_names, self._top(aside)) if name.isdecimal())

    async def listing(self, custodian: int, *, aside: bool = False) -> AsyncIterator[list[Kept]]:
        """Return the blobs of a custodian in pages; memory holds a 256th of them."""
        top = self._top(aside) / str(custodian)
        for prefix in filter(_IS_PREFIX, await asyncio.to_thread(_names, top)):
            kept = await asyncio.to_thread(_kept, custodian, top / prefix)
            for start in range(0, len(kept), PAGE):
                yield kept[start : start + PAGE]

    async def set_aside(self, custodian: int, digest: str, before: int) -> bool:
        """Put a blob aside by renaming it: one that came meanwhile is moved, never lost."""
        return await asyncio.to_thread(self._set_aside, custodian, digest, before)

    def _set_aside(self, custodian: int, digest: str, before: int) -> bool:
        path = self._path(custodian, digest)
        try:
            if _modified(path.stat()) >= before:
                return False
            # How long it waits counts from now.
            os.utime(path)
            self._move((path, self._path(custodian, digest, aside=True)))
        except FileNotFoundError:
            return False
        return True

    async def bring_back(self, custodian: int, digest: str) -> bool:
        """Put a blob that was set aside back unless one is in its place."""
        return await asyncio.to_thread(self._bring_back, custodian, digest)

    def _bring_back(self, custodian: int, digest: str) -> bool:
        path = self._path(custodian, digest)
        if path.exists():
            return False
        try:
            self._move((self._path(custodian, digest, aside=True), path))
        except FileNotFoundError:
            return False
        return True

    async def remove_aside(self, custodian: int, digest: str) -> None:
        """Remove a blob that was set aside."""
        await asyncio.to_thread(self._path(custodian, digest, aside=True).unlink, missing_ok=True)

    def clear_incoming(self) -> int:
        """Remove what interrupted uploads left and return its bytes."""
        return clear_incoming(self._incoming)


def _modified(found: os.stat_result) -> int:
    return found.st_mtime_ns // 1000


def _names(folder: Path) -> list[str]:
    """Return the names in a folder in their order; none when it is not there."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except FileNotFoundError:
        return []


def _kept(custodian: int, folder: Path) -> list[Kept]:
    kept = []
    for digest in filter(IS_DIGEST, _names(folder)):
        try:
            found = (folder / digest).stat()
        except FileNotFoundError:
            continue
        kept.append(Kept(custodian, digest, found.st_size, _modified(found)))
    return kept
