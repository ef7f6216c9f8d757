"""Works on jobs beside the requests, one after the other, in whichever process is free."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.background import started
from app.db import DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.records.jobs.job import FAILED, NEVER, Job, Step, hours_later
from app.records.jobs.queue import LASTS, Queue

EVERY_SECONDS = 5.0
"""How often a process looks for jobs that another has put in the queue or left."""

logger = logging.getLogger(__name__)


class Lost(Exception):
    """The job was called off, expired, or is another process's by now."""


class Held:
    """A job that this process holds.

    Attributes:
        until: Until when; whoever advances the job says from when to when.
    """

    def __init__(self, hub: Hub, queue: Queue, job: Job, until: int) -> None:
        self.hub = hub
        self.queue = queue
        self.job = job
        self.until = until

    async def fail(self) -> None:
        """Say that the job failed and is not tried again."""
        step, ends = Step(0, 0, "", FAILED), self.forgotten
        async with self.hub.database.write() as connection:
            await self.queue.advance(connection, self.job, self.until, self.until, step, ends=ends)

    @property
    def forgotten(self) -> int:
        """When the job is forgotten if it ends now, in microseconds since 1970 UTC."""
        if self.job.ends < NEVER:
            return self.job.ends
        return hours_later(self.hub.clock(), self.hub.settings.export_hours)


async def take(hub: Hub, queue: Queue, job: Job) -> Held | None:
    """Take a job; None when another is at it."""
    now = hub.clock()
    return Held(hub, queue, job, now + LASTS) if await queue.take_this(hub.database, job, now) else None


async def work_through(
    hub: Hub,
    queue: Queue,
    work: Callable[[Held], Awaitable[None]],
    remove: Callable[[WriteConnection, Job], Awaitable[None]],
) -> None:
    """Work on every job that waits, and remove those that have expired.

    Args:
        hub: The running hub.
        queue: The queue.
        work: Does a job, from where it is to its end.
        remove: Removes a job with all that belongs to it, inside a write transaction.
    """
    for job in await queue.expired(hub.database.reader, hub.clock()):
        async with hub.database.write() as connection:
            await remove(connection, job)
    while True:
        now = hub.clock()
        job_taken = await queue.take(hub.database, now)
        if job_taken is None:
            return
        held = Held(hub, queue, job_taken, now + LASTS)
        try:
            await work(held)
            await _tell(hub, job_taken, "A job has ended")
        except Lost:
            logger.info("A job was called off, or its client may not call any more")
        except (DatabaseUnavailable, AuditUnavailable, OSError) as error:
            logger.warning("A job waits: %s", error)
            return
        except Exception:
            logger.exception("A job failed")
            await held.fail()
            await _tell(hub, job_taken, "A job failed", outcome="8")


async def _tell(hub: Hub, job: Job, words: str, *, outcome: str = "0") -> None:
    """Put the end of a job on record: whose it was, and what had been asked.

    Raises:
        AuditUnavailable: it cannot be written; the job has ended all the same.
    """
    event = Event(
        recorded=hub.clock(),
        action="E",
        interaction="job",
        outcome=outcome,
        outcome_desc=None if outcome == "0" else words,
        client=job.client or None,
        purpose=job.purpose or None,
        query=job.address[:2000] or None,
        description=words,
    )
    await hub.audit.append([event])


def start(
    work: Callable[[], Awaitable[None]], wakes: asyncio.Event, name: str, every_seconds: float = EVERY_SECONDS
) -> Callable[[], Awaitable[None]]:
    """Start a task that calls `work` now and then, and at once when `wakes` is set; return what ends it."""
    return started(_watch(work, wakes, name, every_seconds), name)


async def _watch(work: Callable[[], Awaitable[None]], wakes: asyncio.Event, name: str, every_seconds: float) -> None:
    while True:
        try:
            async with asyncio.timeout(every_seconds):
                await wakes.wait()
        except TimeoutError:
            logger.debug("Another process may have left a job")
        wakes.clear()
        try:
            await work()
        except DatabaseUnavailable as error:
            logger.warning("Jobs wait for the database: %s", error)
        except Exception:
            logger.exception("Jobs cannot be worked on: %s", name)
