"""The audit log at work: records are durable before an answer leaves.

Records of concurrent requests share one flush: a batch is what came in while the last one was written. A write's
record is in the write's own transaction. `app.audit.leader` puts the records in the tree. What happens in an emergency
is written to the second log as well, where there is one (`app.audit.second`).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from app.audit.batch import AuditUnavailable, Batch
from app.audit.keys import Keys
from app.audit.record import Event
from app.audit.sealer import Sealer
from app.audit.second.write import ACCESS, ACT, SecondLog, are_of_emergency
from app.audit.tables import audit_record, audit_stage
from app.clock import instant, now
from app.db import Database, DatabaseUnavailable, WriteConnection

__all__ = ["AuditLog", "AuditUnavailable"]

MOST_REFUSED = 100_000

MOST_POINTERS = 1_000
"""Pointers that may wait for the next flush before one is made for them."""

logger = logging.getLogger(__name__)


class AuditLog:
    """Seals events and writes their records.

    Args:
        database: The hub's database.
        keys: The audit keys.
        new_row: Numbers the records.
        wait_seconds: How long a flush may take before the answers that wait for it fail.
        second: Where records of emergencies are written as well.
    """

    def __init__(
        self,
        database: Database,
        keys: Keys,
        new_row: Callable[[], int],
        *,
        wait_seconds: float,
        second: SecondLog | None = None,
    ) -> None:
        self.keys = keys
        self.sealer = Sealer(database, keys, new_row)
        self.second = second
        self.new_salt = self.sealer.new_salt
        self._database = database
        self._wait_seconds = wait_seconds
        self._refused: list[int] = []
        """When answers were refused because their records could not be written; nobody has been told yet."""
        self._salting = asyncio.Lock()
        self._appending = 0
        """How many wait for their records to be durable."""
        self._appended = asyncio.Event()
        """Set when none does."""
        self._batch: Batch | None = None
        """Records that come in."""
        self._flushed: Batch | None = None
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
        if self.sealer.pointers:
            try:
                async with self._database.write() as connection:
                    await self.sealer.point(connection)
            except DatabaseUnavailable as error:
                logger.warning("Pointers to patients are lost, a search will find them: %s", error)
        if self.second is not None:
            await self.second.close()

    async def renew(self) -> None:
        """Take what other processes have changed, and write what could not be written before."""
        await self.sealer.renew()
        if self.second is not None:
            await self.second.catch_up()
        if self._refused or (self.second is not None and self.second.lost):
            # The database answers again: what was refused is put on record, whether or not anybody asks for more.
            self._join()

    async def _told(self) -> list[tuple[int, bytes]]:
        """Return the records of what was refused, or lost, while nothing could be written."""
        events = [*self._of_refused(), *self._of_lost()]
        return await self.sealer.seal(events, {}) if events else []

    def _of_lost(self) -> list[Event]:
        if self.second is None or not self.second.lost:
            return []
        words = f"{self.second.lost} lines of the second log are lost: its disk has not taken them"
        return [Event(now(), "E", "audit-taken-up", outcome="8", outcome_desc="lost", description=words)]

    def _of_refused(self) -> list[Event]:
        if not self._refused:
            return []
        words = f"{len(self._refused)} answers were refused: their audit records could not be written"
        first, last = instant(min(self._refused)), instant(max(self._refused))
        event = Event(
            *(now(), "E", "audit-unavailable"), outcome="8", outcome_desc=words, description=f"{first} to {last}"
        )
        return [event]

    async def append(self, events: Sequence[Event]) -> None:
        """Return when the records of `events` are durable.

        Raises:
            AuditUnavailable: they could not be written, or not in time.
        """
        self._appending += 1
        try:
            if await self.sealer.have_salts(events):
                await self._append(events)
                return
            # A patient has no salt yet: it is made once, and nothing else is sealed with it before it is durable.
            async with self._salting:
                await self._append(events)
        finally:
            self._appending -= 1
            if not self._appending:
                self._appended.set()

    async def _append(self, events: Sequence[Event]) -> None:
        salts: dict[int, bytes] = {}
        records = await self.sealer.seal(events, salts)
        if self._task is not None and self._task.done():
            raise AuditUnavailable("The audit log has stopped")
        written = self._join(records, salts).written()
        try:
            if self.second is not None and are_of_emergency(events):
                await self._in_either(self.second, written, records, alone=not salts)
            else:
                await written
        except AuditUnavailable:
            # Bounded: a day of refusals is told as well by fewer.
            if len(self._refused) < MOST_REFUSED:
                self._refused.append(now())
            raise
        self.sealer.remember(salts)

    def _join(self, records: Sequence[tuple[int, bytes]] = (), salts: Mapping[int, bytes] | None = None) -> Batch:
        """Put records in the batch that comes in, and return it."""
        if self._batch is None:
            self._batch = Batch()
            self._arrived.set()
        self._batch.records += records
        self._batch.salts |= salts or {}
        return self._batch

    async def _in_either(
        self, second: SecondLog, written: asyncio.Future[None], records: list[tuple[int, bytes]], *, alone: bool
    ) -> None:
        """Write records of an emergency to the second log too; one of the two is enough for the answer.

        Args:
            second: The second log.
            written: Ends when the log has them.
            records: The records.
            alone: Whether the second log's word counts without the log's: not when a salt would be lost with it.
        """
        failures = await asyncio.gather(written, second.write(ACCESS, records), return_exceptions=True)
        in_log, in_second = (failure is None for failure in failures)
        if in_log or (in_second and alone and isinstance(failures[0], AuditUnavailable)):
            if not in_log:
                logger.critical("An emergency is recorded in the second log only: %s", failures[0])
            return
        raise failures[0] or AuditUnavailable

    async def stage(self, connection: WriteConnection, events: Sequence[Event]) -> None:
        """Write the records of `events` inside the transaction of the write they are about."""
        # A salt that is made here is not remembered: the transaction may still be rolled back.
        salts: dict[int, bytes] = {}
        records = await self.sealer.seal(events, salts)
        await self.write(connection, records, salts)
        if self.second is not None and are_of_emergency(events):
            # Before the transaction ends, so before the answer. What the log does not get then has not happened.
            await self.second.write(ACT, records)
        if len(self.sealer.pointers) >= MOST_POINTERS:
            # Not in this transaction: it holds rows that others wait for, and would wait for theirs.
            self._join()

    async def write(
        self, connection: WriteConnection, records: Sequence[tuple[int, bytes]], salts: Mapping[int, bytes]
    ) -> None:
        """Write sealed records, and new salts, inside a transaction."""
        if salts:
            await self.sealer.add_salts(connection, salts)
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

    async def _flush(self, batch: Batch) -> None:
        told, lost = len(self._refused), self.second.lost if self.second is not None else 0
        try:
            records = batch.records + await self._told()
            async with asyncio.timeout(self._wait_seconds), self._database.write() as connection:
                await self.write(connection, records, batch.salts)
                pointed = await self.sealer.point(connection) if self.sealer.pointers else []
        except (DatabaseUnavailable, TimeoutError, OSError) as error:
            logger.critical("The audit log cannot be written: %s", error)
            batch.tell(AuditUnavailable(str(error)))
        except Exception as error:
            logger.exception("The audit log cannot be written")
            batch.tell(AuditUnavailable(str(error)))
        else:
            self.sealer.are_pointed(pointed)
            del self._refused[:told]
            if self.second is not None:
                self.second.lost -= lost
            batch.tell()
        self._flushed = None
