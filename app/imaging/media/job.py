"""A disc that is to be read: who asked for it, and the queue it waits in."""

from dataclasses import astuple

from app.access.caller import Caller
from app.access.events import by, event
from app.audit.record import Event
from app.db import WriteConnection
from app.hub import Hub
from app.imaging.hold import hold
from app.imaging.media.disc import READING, Disc, title_of
from app.imaging.media.quarantine import note_blobs
from app.imaging.media.tables import media_disc, media_job
from app.records.jobs.job import NEVER, Job
from app.records.jobs.queue import Queue

MEDIA = Queue(media_job, most_waiting=50, most_kept=10_000, word="disc", shared=True)
"""What is uploaded is on the hub's disk until it is read: so many wait at most, of all sites."""

INTERACTION = "media-import"
PORTAL = "portal"


def a_job(disc: Disc, *, client: str, purpose: str = "") -> Job:
    """Return the job that reads a disc."""
    return Job(str(disc.number), client, purpose, str(disc.number), f"disc {disc.number}", disc.begun, NEVER)


def new_disc(
    hub: Hub, custodian: int, title: str, *, place: str = "", upload: str = "", by: str, by_title: str
) -> Disc:
    """Return a disc of a site that is to be read."""
    return Disc(hub.new_row(), custodian, title_of(title), place, upload, hub.clock(), by, by_title, READING, "")


async def begin(hub: Hub, disc: Disc, job: Job, told: Event, *, upload_bytes: int = 0) -> None:
    """Put a disc in the queue, with its record in the audit log.

    Raises:
        TooMany: too many wait.
    """

    async def also(connection: WriteConnection) -> None:
        # The same ZIP may be uploaded twice: whoever has read the one lets its bytes go only if nobody waits for them.
        await hold(connection, disc.custodian)
        await connection.insert(media_disc, [astuple(disc)])
        if disc.upload:
            await note_blobs(connection, disc.custodian, [(disc.upload, upload_bytes)], disc.begun)
        await hub.audit.stage(connection, [told])

    await MEDIA.add(hub.database, job, also=also)


def begun_by(hub: Hub, caller: Caller, disc: Disc, *, network: str, path: str) -> Event:
    """Return the event of a person who gave a disc to be read."""
    words = f"Disc {disc.number}: {disc.title}"
    return event(hub, INTERACTION, network=network, path=path, **by(caller), description=words)._replace(action="C")
