"""Imports that were asked for at the FHIR door are carried out beside the requests, in whichever process is free."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from app.audit.log import AuditUnavailable
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.records.bulk_import.job import ADVANCE, EXPIRED, NEXT, Job, find, remove
from app.records.bulk_import.run import Importing, take
from app.records.jobs import run as jobs
from app.records.jobs.queue import FAILED
from app.records.jobs.run import EVERY_SECONDS, Lost

logger = logging.getLogger(__name__)


async def _remove_expired(hub: Hub) -> None:
    for (id_,) in await hub.database.reader.fetch(EXPIRED, {"now": hub.clock()}):
        async with hub.database.write() as connection:
            await remove(connection, id_)


async def _fail(hub: Hub, job: Job) -> None:
    """Let an import end that cannot be carried out, as far as it is this process's still."""
    now = await find(hub.database.reader, job.id, job.client)
    if now is None:
        return
    ends = hub.clock() + hub.settings.export_hours * 3_600_000_000
    values = {"k_id": job.id, "k_until": now.until, "n_until": now.until, "n_ends": ends, "n_position": now.position}
    async with hub.database.write() as connection:
        await connection.execute(ADVANCE, {**values, "n_state": FAILED})


async def run_waiting(hub: Hub) -> None:
    """Carry out every import that waits, and forget those that have expired."""
    await _remove_expired(hub)
    while rows := await hub.database.reader.fetch(NEXT, {"now": hub.clock()}):
        job = Job(*rows[0])
        until = await take(hub, job)
        if until is None:
            continue
        try:
            await Importing(hub, job, until).run()
        except Lost:
            logger.info("An import was called off, or another process is at it")
        except (DatabaseUnavailable, AuditUnavailable, OSError) as error:
            logger.warning("An import waits: %s", error)
            return
        except Exception:
            logger.exception("An import failed")
            await _fail(hub, job)


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(partial(run_waiting, hub), hub.imports_wait, "imports", every_seconds)
