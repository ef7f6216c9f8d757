"""Reads a disc: every file is looked at; what is an image is kept, in quarantine; what became of each is noted.

The DICOMDIR says what should be there; what is there is found by walking. A few files are one transaction, which notes
how far the reading is: whoever goes on after a stop goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from app.blobs import Incoming
from app.clock import DAY
from app.hub import Hub
from app.imaging.hold import hold
from app.imaging.keep import Received, keep
from app.imaging.media.contents import Contents, contents_of
from app.imaging.media.disc import (
    BROKEN,
    DIRECTORY,
    FAILED,
    MISSING,
    NOT_DICOM,
    READ,
    REFUSED,
    Disc,
    DiscFile,
    DiscPatient,
)
from app.imaging.media.entries import Entry, Unreadable, entries_of, shown
from app.imaging.media.peek import spool
from app.imaging.media.quarantine import found_disc, note_blobs, patients_on, settle_disc
from app.imaging.media.stated import image_kept, patient_stated, placed
from app.imaging.media.tables import media_file, media_patient
from app.records.jobs.job import DONE, Step
from app.records.jobs.job import WAITING as UNDER_WAY
from app.records.jobs.queue import LASTS
from app.records.jobs.run import Held, Lost
from dicom.failures import DUPLICATE_SOP_INSTANCE
from dicom.media.directory import MEDIA_STORAGE_DIRECTORY_STORAGE

BATCH_FILES = 100
BATCH_BYTES = 200_000_000
"""After which a batch is written."""

LOOK_SECONDS = LASTS / 3_000_000
"""After which a job is held longer, while one thing is waited for."""

T = TypeVar("T")

Told = Callable[[int, int], None]
"""Is told how many files were read, and how many there are."""


def _silent(_done: int, _of: int) -> None: ...


@dataclass(slots=True)
class _Batch:
    """Files that are noted together."""

    files: list[DiscFile] = field(default_factory=list)
    patients: list[DiscPatient] = field(default_factory=list)
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether it is to be written."""
        return len(self.files) >= BATCH_FILES or self.size >= BATCH_BYTES


class Reading:
    """A disc on its way into quarantine.

    Args:
        held: The job, held by this process.
        disc: The disc.
        place: The folder or the ZIP.
        stopped: Says whether to stop after the file at work.
        tell: Told how far it is after each batch.
    """

    def __init__(
        self,
        held: Held,
        disc: Disc,
        place: Path,
        *,
        stopped: Callable[[], bool] = lambda: False,
        tell: Told = _silent,
    ) -> None:
        self._held, self._disc, self._place, self._stopped, self._tell = held, disc, place, stopped, tell
        self._hub: Hub = held.hub
        self._done = held.job.step
        self._left_bytes = self._hub.settings.stow_bytes
        self._patients: dict[tuple[str, ...], int] = {}
        self._contents = Contents()
        self._batch = _Batch()

    async def run(self) -> bool:
        """Read what was not read yet; return whether all of it was.

        Raises:
            Unreadable: it is no disc.
            Lost: another process reads it, or it was called off.
        """
        self._contents = await holding(self._held, asyncio.to_thread(contents_of, self._place))
        known = await patients_on(self._hub.database.reader, self._disc.number)
        self._patients = {one.who: one.number for one in known}
        entries = entries_of(self._place)
        number = 0
        while (entry := await asyncio.to_thread(next, entries, None)) is not None:
            number += 1
            if number <= self._done:
                continue
            if self._stopped():
                await self._write()
                return False
            self._add(await holding(self._held, self._read(entry, number)))
            if self._batch.is_full:
                await self._write()
        for missing in self._contents.missing()[max(0, self._done - number) :]:
            number += 1
            self._add(self._row(number, missing.path, MISSING, "the DICOMDIR lists it, and it is not there"))
        await self._write(finished=True)
        return True

    def _add(self, row: DiscFile) -> None:
        self._batch.files.append(row)
        self._batch.size += row.size

    def _row(self, number: int, path: str, state: str, reason: str = "") -> DiscFile:
        listed = int(self._contents.lists(path))
        path = shown(path)
        return DiscFile(
            *(self._disc.number, number, 0, path, listed, state, reason[:500], self._disc.custodian, "", 0),
            *("", "", "", ""),
        )

    async def _read(self, entry: Entry, number: int) -> DiscFile:
        """Return what a file is; an image is kept."""
        if entry.problem:
            return self._row(number, entry.path, BROKEN if entry.is_broken else NOT_DICOM, entry.problem)
        incoming = self._hub.blobs.incoming()
        try:
            most = min(self._hub.settings.instance_bytes, self._left_bytes)
            problem = await asyncio.to_thread(spool, entry, incoming, most)
            self._left_bytes -= incoming.size
            if problem is not None:
                return self._row(number, entry.path, *problem)
            found = await keep(self._hub, self._disc.custodian, incoming, any_patient=True)
        finally:
            incoming.discard()
        if isinstance(found, Received):
            return self._kept(entry.path, number, found)
        if found.sop_class_uid == MEDIA_STORAGE_DIRECTORY_STORAGE:
            return self._row(number, entry.path, DIRECTORY, self._contents.problems.get(entry.path, ""))
        # Of an instance that the site has with other bytes, what is stored stays.
        state = REFUSED if found.code == DUPLICATE_SOP_INSTANCE else BROKEN
        return self._row(number, entry.path, state, found.reason)

    def _kept(self, path: str, number: int, found: Received) -> DiscFile:
        listed = int(self._contents.lists(path))
        return image_kept(self._patient(found), number, found, shown(path), listed=listed)

    def _patient(self, found: Received) -> DiscPatient:
        """Return whom an image is about; whoever differs in anything is somebody else."""
        disc, ends = self._disc, self._hub.clock() + self._hub.settings.media_waiting_days * DAY
        made = patient_stated(disc.number, len(self._patients) + 1, disc.custodian, found, ends=ends)
        number = self._patients.get(made.who)
        if number is not None:
            return replace(made, number=number)
        self._patients[made.who] = made.number
        self._batch.patients.append(placed(made, found))
        return made

    async def _write(self, *, finished: bool = False) -> None:
        """Note what was read, and how far the reading is.

        Raises:
            Lost: the job is not this process's any more; nothing was noted.
        """
        batch, held, disc = self._batch, self._held, self._disc
        done = batch.files[-1].number if batch.files else self._done
        now = self._hub.clock()
        step = Step(done, max(done, self._contents.count), "", DONE if finished else UNDER_WAY)
        ends = held.forgotten if finished else None
        async with self._hub.database.write() as connection:
            await hold(connection, disc.custodian)
            await connection.insert(media_patient, [astuple(one) for one in batch.patients])
            await connection.insert(media_file, [astuple(one) for one in batch.files])
            kept = [(one.digest, one.size) for one in batch.files if one.digest]
            await note_blobs(connection, disc.custodian, kept, now)
            if finished:
                await settle_disc(connection, disc, READ)
            if not await held.queue.advance(connection, held.job, held.until, now + LASTS, step, ends=ends):
                raise Lost
        held.until = now + LASTS
        self._done, self._batch = done, _Batch()
        self._tell(done, max(done, self._contents.count))


async def holding(held: Held, work: Awaitable[T]) -> T:
    """Wait for what may take longer than a job is held: a file of a slow disc, the copy of a large one.

    Raises:
        Lost: the job is not this process's any more.
    """
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=LOOK_SECONDS))[0]:
            longer = held.hub.clock() + LASTS
            async with held.hub.database.write() as connection:
                if not await held.queue.hold(connection, held.job, held.until, longer):
                    raise Lost
            held.until = longer
        return task.result()
    finally:
        task.cancel()


async def _copy(hub: Hub, disc: Disc, incoming: Incoming) -> None:
    async for piece in hub.blobs.stream(disc.custodian, disc.upload):
        await asyncio.to_thread(incoming.write, piece)
    await asyncio.to_thread(incoming.finish)


@asynccontextmanager
async def _at_hand(held: Held, disc: Disc) -> AsyncIterator[Path]:
    """Have the folder or the ZIP of a disc on this machine."""
    if disc.place:
        yield Path(disc.place)
        return
    incoming = held.hub.blobs.incoming()
    try:
        await holding(held, _copy(held.hub, disc, incoming))
        yield incoming.path
    finally:
        incoming.discard()


async def read_disc(held: Held, *, stopped: Callable[[], bool] = lambda: False, tell: Told = _silent) -> bool:
    """Read the disc of a job; return whether all of it was read, or cannot be.

    Raises:
        Lost: another process reads it, or it is not there any more.
    """
    hub = held.hub
    disc = await found_disc(hub.database.reader, int(held.job.request))
    if disc is None:
        raise Lost
    try:
        async with _at_hand(held, disc) as place:
            return await Reading(held, disc, place, stopped=stopped, tell=tell).run()
    except Unreadable as error:
        now = hub.clock()
        async with hub.database.write() as connection:
            await hold(connection, disc.custodian)
            await settle_disc(connection, disc, FAILED, str(error))
            step = Step(held.job.step, held.job.steps, "", DONE)
            if not await held.queue.advance(connection, held.job, held.until, now, step, ends=held.forgotten):
                raise Lost from error
        return True
