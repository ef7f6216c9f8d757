"""Discs that wait are read beside the requests, and what is rejected or forgotten is removed when its days are over."""

from collections.abc import Awaitable, Callable

from app.audit.log import AuditUnavailable
from app.db import DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.imaging.hold import hold
from app.imaging.media.disc import FAILED
from app.imaging.media.forget import forget
from app.imaging.media.job import MEDIA
from app.imaging.media.quarantine import found_disc, settle_disc
from app.imaging.media.reading import read_disc
from app.records.jobs import run as jobs
from app.records.jobs.job import Job
from app.records.jobs.run import EVERY_SECONDS, Held, Lost, work_through


async def _carry_out(held: Held) -> None:
    """Read the rest of a disc.

    Raises:
        Lost: it is not to be read any more, or not here.
    """
    try:
        await read_disc(held)
    except (Lost, DatabaseUnavailable, AuditUnavailable, OSError):
        raise
    except Exception:
        async with held.hub.database.write() as connection:
            disc = await found_disc(connection, int(held.job.request))
            if disc is not None:
                await hold(connection, disc.custodian)
                await settle_disc(connection, disc, FAILED, "the hub failed; the failure is in its log")
        raise


async def remove(connection: WriteConnection, job: Job) -> None:
    """Remove a job that has ended; the disc stays."""
    await MEDIA.remove(connection, job)


async def run_waiting(hub: Hub) -> None:
    """Read every disc that waits, and remove what was rejected, or waits, since long enough ago."""
    await work_through(hub, MEDIA, _carry_out, remove)
    await forget(hub)


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(lambda: run_waiting(hub), hub.discs_wait, "discs", every_seconds)
