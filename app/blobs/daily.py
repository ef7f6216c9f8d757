"""Collects blobs once a day beside the requests, in whichever process is first."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.background import started
from app.blobs.collect import collect
from app.blobs.turn import Busy, NotDue
from app.db import DatabaseUnavailable
from app.hub import Hub

EVERY_SECONDS = 3_600.0
"""How often a process asks whether a day has passed."""

logger = logging.getLogger(__name__)


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(hub, every_seconds), "blob collector")


async def _run(hub: Hub, every_seconds: float) -> None:
    while True:
        await asyncio.sleep(every_seconds)
        await _try(hub)


async def _try(hub: Hub) -> None:
    """Collect; what cannot be done now is done later, so no failure ends the task."""
    try:
        done = await collect(hub, due=True)
    except (Busy, NotDue):
        return
    except DatabaseUnavailable as error:
        logger.warning("Collecting blobs waits for the database: %s", error)
    except Exception:
        logger.exception("Blobs cannot be collected")
    else:
        for custodian in (*done.unknown, *done.doubtful):
            logger.error("Blobs of custodian %d are not touched: is the database the one they belong to?", custodian)
        logger.info("Blobs: set aside %s; removed %s", done.set_aside, done.removed)
