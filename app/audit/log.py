"""The audit log at work: records are durable before an answer leaves.

Records of concurrent requests share one flush: a batch is what came in while the last one was written. A write's
record is in the write's own transaction. `app.audit.leader` puts the records in the tree.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import bindparam, delete, insert, select

from app.access import epoch
from app.audit.keys import SALT_BYTES, Keys
from app.audit.pointer import ERASED, point
from app.audit.record import Event, seal, year_of
from app.audit.tables import audit_pointer, audit_record, audit_salt, audit_stage
from app.clock import instant, now
from app.db import Database, DatabaseUnavailable, WriteConnection

MOST_SALTS = 100_000

ERASURES = "audit-erased"
"""The counter of erasures: when it has grown, a process forgets the keys that it holds."""

MOST_REFUSED = 100_000

MOST_POINTERS = 1_000
"""Pointers that may wait for the next flush before one is made for them."""

logger = logging.getLogger(__name__)

_SALT = select(audit_salt.c.salt).where(audit_salt.c.patient_key == bindparam("patient_key"))
_BLANK = delete(audit_pointer).where(audit_pointer.c.hash == bindparam("k_hash"), audit_pointer.c.pointer == ERASED)
_ADD_SALT = insert(audit_salt).values(patient_key=bindparam("n_key"), salt=bindparam("n_salt"))


class AuditUnavailable(Exception):
    """A record could not be made durable; nothing may be disclosed."""


class _Batch:
    """Records that will share one flush, and those who wait for it.

    Each has a future of its own: one that is cancelled takes nothing from the others.
    """

    def __init__(self) -> None:
        self.records: list[tuple[int, bytes]] = []
        self.salts: dict[int, bytes] = {}
        self._waiting: list[asyncio.Future[None]] = []

    def written(self) -> asyncio.Future[None]:
        """Return a future that ends when the records are durable.

        Raises:
            AuditUnavailable: from the future: they could not be written.
        """
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        return waiter

    @property
    def waiting(self) -> int:
        """How many answers wait for it."""
        return len(self._waiting)

    def tell(self, failure: AuditUnavailable | None = None) -> None:
        """Tell all who wait how it went."""
        for waiter in self._waiting:
            if waiter.done():
                continue
            if failure is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(failure)


class AuditLog:
    """Seals events and writes their records.

    Args:
        database: The hub's database.
        keys: The audit keys.
        new_row: Numbers the records.
        wait_seconds: How long a flush may take before the answers that wait for it fail.
    """

    def __init__(self, database: Database, keys: Keys, new_row: Callable[[], int], *, wait_seconds: float) -> None:
        self.keys = keys
        self._database = database
        self._new_row = new_row
        self._wait_seconds = wait_seconds
        self._salts: dict[int, bytes] = {}
        self._erasures = 0
        self._refused: list[int] = []
        """When answers were refused because their records could not be written; nobody has been told yet."""
        self._pointed: set[int] = set()
        """HMACs of patients whose pointers are durable."""
        self._pointers: dict[int, tuple[int, int, int]] = {}
        """By HMAC: patient key, year and master key of pointers that wait for the next flush."""
        self._salting = asyncio.Lock()
        self._appending = 0
        """How many wait for their records to be durable."""
        self._appended = asyncio.Event()
        """Set when none does."""
        self._batch: _Batch | None = None
        """Records that come in."""
        self._flushed: _Batch | None = None
        """Records that are being written."""
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the task that flushes batches."""
        self._task = asyncio.create_task(self._run(), name="audit log")

    async def stop(self) -> None:
        """Flush what waits and end the task."""
        if self._task is not None:
            while self._appending:
                self._appended.clear()
                await self._appended.wait()
            # Whoever no longer waits has left a record here.
            waiting = [batch.written() for batch in (self._flushed, self._batch) if batch is not None]
            await asyncio.gather(*waiting, return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._pointers:
            try:
                async with self._database.write() as connection:
                    await self._point(connection)
            except DatabaseUnavailable as error:
                logger.warning("Pointers to patients are lost, a search will find them: %s", error)

    async def _stored_salt(self, patient_key: int) -> bytes | None:
        """Return the patient's salt if it is durable; one that is not remembered is looked up."""
        salt = self._salts.get(patient_key)
        if salt is None:
            rows = await self._database.reader.fetch(_SALT, {"patient_key": patient_key})
            if rows:
                salt = bytes(rows[0][0])
                self._remember({patient_key: salt})
        return salt

    async def _salt(self, patient_key: int, new: dict[int, bytes]) -> bytes:
        """Return the patient's salt; one that is made here is added to `new`, and remembered once it is durable."""
        salt = new.get(patient_key) or await self._stored_salt(patient_key)
        if salt is None:
            salt = new[patient_key] = os.urandom(SALT_BYTES)
        return salt

    def new_salt(self, patient_key: int) -> tuple[int, bytes]:
        """Return the row of `audit_salt` for a Patient that is being created."""
        salt = os.urandom(SALT_BYTES)
        self._salts[patient_key] = salt
        return patient_key, salt

    def _remember(self, salts: Mapping[int, bytes]) -> None:
        if len(self._salts) >= MOST_SALTS:
            self._salts.clear()
        self._salts.update(salts)

    async def _seal(self, events: Sequence[Event], salts: dict[int, bytes]) -> list[tuple[int, bytes]]:
        sealed = []
        for event in events:
            salt = None
            if event.patient_key is not None:
                salt = self._salts.get(event.patient_key) or await self._salt(event.patient_key, salts)
                self._note(event)
            sealed.append((self._new_row(), seal(event, self.keys, salt)))
        return sealed

    def _note(self, event: Event) -> None:
        """Let the next flush write the pointer of an event's patient, when it is not there yet."""
        if event.patient is None or event.patient_key is None:
            return
        year, key = year_of(event.recorded), self.keys.current
        hash_ = self.keys.pseudonym("patient", event.patient, year, key)[1]
        if hash_ not in self._pointed:
            self._pointers[hash_] = (event.patient_key, year, key)

    async def _point(self, connection: WriteConnection) -> list[int]:
        """Write the pointers that wait and return their HMACs, in one order: others may write the same ones."""
        waiting = sorted(self._pointers.items())
        rows = [(hash_, point(self.keys, hash_, *of)) for hash_, of in waiting]
        # A patient whose details were erased may come again, and has a new salt.
        await connection.execute_many(_BLANK, [{"k_hash": hash_} for hash_, _ in waiting])
        await connection.insert_missing(audit_pointer, rows)
        return [hash_ for hash_, _ in waiting]

    async def renew(self) -> None:
        """Take what other processes have changed: a new master key, and erasures, after which no key is remembered."""
        try:
            self.keys.renew()
        except (ValueError, OSError) as error:
            # The keys that are held go on sealing.
            logger.error("The ring of master keys cannot be read again: %s", error)
        erasures = await epoch.value(self._database.reader, ERASURES)
        if erasures != self._erasures:
            self._erasures = erasures
            self.keys.forget()
            self._salts.clear()
            self._pointed.clear()
            self._pointers.clear()
        if self._refused and self._batch is None:
            # The database answers again: what was refused is put on record, whether or not anybody asks for more.
            self._batch = _Batch()
            self._arrived.set()

    async def _told(self) -> list[tuple[int, bytes]]:
        """Return the record of the answers that were refused while nothing could be written."""
        if not self._refused:
            return []
        words = f"{len(self._refused)} answers were refused: their audit records could not be written"
        first, last = instant(min(self._refused)), instant(max(self._refused))
        event = Event(
            *(now(), "E", "audit-unavailable"), outcome="8", outcome_desc=words, description=f"{first} to {last}"
        )
        return await self._seal([event], {})

    def _are_pointed(self, hashes: Sequence[int]) -> None:
        if len(self._pointed) >= MOST_SALTS:
            self._pointed.clear()
        self._pointed.update(hashes)
        for hash_ in hashes:
            self._pointers.pop(hash_, None)

    async def append(self, events: Sequence[Event]) -> None:
        """Return when the records of `events` are durable.

        Raises:
            AuditUnavailable: they could not be written, or not in time.
        """
        self._appending += 1
        try:
            if await self._have_salts(events):
                await self._append(events)
                return
            # A patient has no salt yet: it is made once, and nothing else is sealed with it before it is durable.
            async with self._salting:
                await self._append(events)
        finally:
            self._appending -= 1
            if not self._appending:
                self._appended.set()

    async def _have_salts(self, events: Sequence[Event]) -> bool:
        """Return whether every patient of `events` has a durable salt."""
        for event in events:
            key = event.patient_key
            if key is not None and key not in self._salts and await self._stored_salt(key) is None:
                return False
        return True

    async def _append(self, events: Sequence[Event]) -> None:
        salts: dict[int, bytes] = {}
        records = await self._seal(events, salts)
        if self._task is not None and self._task.done():
            raise AuditUnavailable("The audit log has stopped")
        batch = self._batch
        if batch is None:
            batch = self._batch = _Batch()
            self._arrived.set()
        batch.records += records
        batch.salts |= salts
        await batch.written()
        self._remember(salts)

    async def stage(self, connection: WriteConnection, events: Sequence[Event]) -> None:
        """Write the records of `events` inside the transaction of the write they are about."""
        # A salt that is made here is not remembered: the transaction may still be rolled back.
        salts: dict[int, bytes] = {}
        records = await self._seal(events, salts)
        await self._write(connection, records, salts)
        if len(self._pointers) >= MOST_POINTERS and self._batch is None:
            # Not in this transaction: it holds rows that others wait for, and would wait for theirs.
            self._batch = _Batch()
            self._arrived.set()

    async def _write(
        self, connection: WriteConnection, records: list[tuple[int, bytes]], salts: Mapping[int, bytes]
    ) -> None:
        if salts:
            await connection.execute_many(_ADD_SALT, [{"n_key": key, "n_salt": salt} for key, salt in salts.items()])
        if records:
            await connection.insert(audit_record, records)
            await connection.insert(audit_stage, [(row,) for row, _ in records])

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            # Requests that are ready to run join the batch before it is taken.
            await asyncio.sleep(0)
            batch, self._batch = self._batch, None
            if batch is not None:
                self._flushed = batch
                await self._flush(batch)

    async def _flush(self, batch: _Batch) -> None:
        told = len(self._refused)
        try:
            records = batch.records + await self._told()
            async with asyncio.timeout(self._wait_seconds), self._database.write() as connection:
                await self._write(connection, records, batch.salts)
                pointed = await self._point(connection) if self._pointers else []
        except (DatabaseUnavailable, TimeoutError, OSError) as error:
            logger.critical("The audit log cannot be written: %s", error)
            self._failed(batch, error)
        except Exception as error:
            logger.exception("The audit log cannot be written")
            self._failed(batch, error)
        else:
            self._are_pointed(pointed)
            del self._refused[:told]
            batch.tell()
        self._flushed = None

    def _failed(self, batch: _Batch, error: Exception) -> None:
        # Bounded: a day of refusals is told as well by fewer.
        self._refused += [now()] * min(batch.waiting, MOST_REFUSED - len(self._refused))
        batch.tell(AuditUnavailable(str(error)))
