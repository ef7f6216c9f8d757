"""The metadata of a series that somebody asked for, kept compressed beside the requests for whoever asks next."""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from app.background import started
from app.db import DatabaseUnavailable
from app.imaging.custody import Custody
from dicom.store.read import DigestRow, read_digests
from dicom.store.series_metadata import keep_packed

if TYPE_CHECKING:
    from app.db import DatabaseConnection
    from app.hub import Hub

MOST_WAITING = 20
"""What is asked for while so many wait is kept the next time it is asked for."""

logger = logging.getLogger(__name__)


class HasDigest(Protocol):
    """A row of an instance."""

    @property
    def digest(self) -> str:
        """Of its bytes."""
        ...


class Series(NamedTuple):
    """A series as one custodian keeps it."""

    patient_key: int
    custodian: int
    row: int
    study_instance_uid: str
    series_instance_uid: str


class Made(NamedTuple):
    """The metadata of a series, as somebody was given it."""

    series: Series
    tag: str
    packed: bytes


Queue = asyncio.Queue[Made]


def queue() -> Queue:
    """Return an empty queue of what is to be kept."""
    return asyncio.Queue(MOST_WAITING)


def series_of(rows: Sequence[DigestRow], series_instance_uid: str) -> Series | None:
    """Return the one series that rows are of; None when several custodians have it, or its bytes are not here."""
    found = {Series(*row[:3], row.study_instance_uid, series_instance_uid) for row in rows}
    return found.pop() if len(found) == 1 and all(len(row.digest) == 64 for row in rows) else None


def tag_of(rows: Iterable[HasDigest], root: str) -> str:
    """Return what names the metadata of instances, whose addresses begin with `root`."""
    return hashlib.sha256("\n".join((root, *(row.digest for row in rows))).encode()).hexdigest()


def offer(hub: "Hub", made: Made) -> None:
    """Let it be kept when there is time."""
    if not hub.packing.full():
        hub.packing.put_nowait(made)


async def keep(hub: "Hub", made: Made) -> bool:
    """Keep what was made unless it is not of the whole series, as it is now; return whether it was kept."""
    # Whoever sees a part of a series asks often; only the whole is worth the writer's turn.
    if not await _is_whole(hub, hub.database.reader, made):
        return False
    async with hub.database.write() as connection:
        if not await _is_whole(hub, connection, made):
            return False
        await keep_packed(connection, made.series.patient_key, made.series.row, made.tag, made.packed)
    return True


async def _is_whole(hub: "Hub", connection: "DatabaseConnection", made: Made) -> bool:
    series = made.series
    rows = await read_digests(
        connection, Custody(series.custodian), series.study_instance_uid, series.series_instance_uid
    )
    return tag_of(rows, hub.settings.dicomweb_address) == made.tag


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start the task that keeps and return what ends it; what still waits then is made anew another time."""
    return started(_run(hub), "series metadata")


async def _run(hub: "Hub") -> None:
    while True:
        made = await hub.packing.get()
        try:
            await keep(hub, made)
        except DatabaseUnavailable as error:
            logger.warning("The metadata of a series is not kept: %s", error)
        except Exception:
            logger.exception("The metadata of a series cannot be kept")
        finally:
            hub.packing.task_done()
