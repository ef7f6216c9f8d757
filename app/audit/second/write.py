"""Writes the second log: each line is on its disk before the answer leaves.

https://man7.org/linux/man-pages/man2/fdatasync.2.html
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

from app.audit.batch import AuditUnavailable
from app.audit.record import Event
from app.audit.second.entries import ACCESS, ACT, SUFFIX, line
from app.background import apart
from app.flush import flush_folder

__all__ = ["ACCESS", "ACT", "SecondLog", "are_of_emergency"]

PURPOSE = "BTG"

MOST_OWED = 10_000
"""Lines that are kept in memory until the disk takes them."""

AGAIN_SECONDS = 10.0
"""How long after a failure the lines that wait are tried again, unless others come before."""

logger = logging.getLogger(__name__)


def are_of_emergency(events: Iterable[Event]) -> bool:
    """Return whether any of a request's events is of break-glass: then all of them go to both logs."""
    return any(event.purpose == PURPOSE or event.interaction.startswith("break-glass") for event in events)


class SecondLog:
    """The files of one process.

    Args:
        folder: Where they are; on another disk than the database.
        wait_seconds: How long the disk may take.
    """

    def __init__(self, folder: Path, *, wait_seconds: float) -> None:
        self.folder = folder
        self.lost = 0
        """Lines that were too many to be kept, of which nobody has been told yet."""
        self._failure = ""
        self._wait_seconds = wait_seconds
        self._owed: list[bytes] = []
        """Lines that the disk did not take."""
        self._again = 0.0
        self._turn = asyncio.Lock()
        self._work: asyncio.Future[None] | None = None
        self._descriptor: int | None = None
        self._size = 0
        """How much of the file is on the disk, in bytes."""

    @property
    def failure(self) -> str:
        """Why lines are not on the disk; empty when all are, or when it is on record that some never will be."""
        return self._failure or (f"{self.lost} lines are lost" if self.lost else "")

    async def write(self, kind: str, records: Sequence[tuple[int, bytes]]) -> AuditUnavailable | None:
        """Return when the records are on the disk, or why they are not: then they wait for the next time."""
        return await self._write([line(row, kind, record) for row, record in records])

    async def catch_up(self) -> None:
        """Write the lines that wait, once in a while."""
        if self._owed and asyncio.get_running_loop().time() >= self._again:
            await self._write([])

    async def _write(self, lines: list[bytes]) -> AuditUnavailable | None:
        try:
            async with asyncio.timeout(self._wait_seconds), self._turn:
                owed = len(self._owed)
                await self._put([*self._owed, *lines])
        except (OSError, TimeoutError, RuntimeError) as error:
            self._failure = str(error) or "the disk takes too long"
            self._again = asyncio.get_running_loop().time() + AGAIN_SECONDS
            room = max(0, MOST_OWED - len(self._owed))
            self._owed += lines[:room]
            self.lost += len(lines[room:])
            logger.critical("The second log cannot be written: %s", self._failure)
            return AuditUnavailable(self._failure)
        del self._owed[:owed]
        if not self._owed:
            self._failure = ""
        return None

    async def _put(self, lines: Sequence[bytes]) -> None:
        """Write lines in a thread.

        Raises:
            OSError: the disk refuses them.
            TimeoutError: it is still busy with lines that were given up.
            RuntimeError: there is no thread.
        """
        if self._work is not None and not self._work.done():
            raise TimeoutError
        number = int(lines[0].partition(b" ")[0])
        self._work = apart(self._append, b"".join(lines), number)
        # Whoever waits no longer, or is cancelled, does not take the file from the thread.
        await asyncio.shield(self._work)

    def _append(self, octets: bytes, number: int) -> None:
        if self._descriptor is None:
            self._descriptor, self._size = self._new_file(number), 0
        try:
            view = memoryview(octets)
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            # A full disk has taken a part; a file has whole lines only.
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError:
                # Nothing is written after a part of a line: it would be read as one with it.
                self._leave_file()
            raise
        try:
            os.fdatasync(self._descriptor)
        except OSError:
            # Nobody knows now what of it is on the disk: what is kept in memory goes into another file.
            self._leave_file()
            raise
        self._size += len(octets)

    def _leave_file(self) -> None:
        """Close the file; the next line goes into another one."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def _new_file(self, number: int) -> int:
        """Open a file of its own, durably there."""
        # The last folder alone: where the disk is not mounted, those above it are not made on another.
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for attempt in count():
            with suppress(FileExistsError):
                path = self.folder / f"{number:019d}-{attempt}{SUFFIX}"
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
                break
        # Retention leaves a file alone that is held; where the disk's system knows no such locks it removes none.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        try:
            flush_folder(self.folder)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    async def close(self) -> None:
        """Write what waits, if that can be done, and close the file."""
        if self._owed:
            await self._write([])
        if self._owed:
            logger.critical("%s lines of the second log are lost: %s", len(self._owed), self._failure)
            self._owed.clear()
        if self._work is None or self._work.done():
            self._leave_file()
