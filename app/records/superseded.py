"""Removes the index rows of superseded versions beside the requests, once no page link may ask for them any more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

import orjson

from app.access import epoch
from app.background import again, started
from app.hub import Hub
from app.records.page_links import HOUR
from fhir.search.extract import Index, extract
from fhir.store.superseded import Extract, Place, remove_index, superseded

EVERY_SECONDS = 300.0
"""How often a process looks."""

BATCH = 100
"""Versions that one transaction clears away: others wait for it."""

PAUSE_SECONDS = 0.01

MARGIN = 60_000_000
"""Microseconds that rows stay beyond the last page link: a page may be under way."""

_INSTANT, _ROW = "superseded until", "superseded row"
"""The counters that say how far the order of changes is done."""

_LOCK = 0x7375_7065

logger = logging.getLogger(__name__)


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    waits, fails = "Clearing the index waits for the database", "Index rows of superseded versions cannot be removed"
    return started(again(partial(clear_all, hub), every_seconds, logger, waits=waits, fails=fails), "index collector")


def reader(hub: Hub) -> Extract:
    """Return what reads off a stored body what its index rows are."""
    settings, known = hub.settings, hub.search_parameters.in_force

    def read(body: bytes) -> Index:
        # What is stored is strict JSON: it is only read here.
        stored = orjson.loads(body)
        return extract(stored, base_url=settings.fhir_address, japanese=settings.folds_japanese, known=known)

    return read


def kept_since(hub: Hub) -> int:
    """Return the instant in microseconds: index rows stay of versions that were superseded then or later."""
    return hub.clock() - hub.settings.page_link_hours * HOUR - MARGIN


async def clear_all(hub: Hub) -> None:
    """Remove all that is due; others write in between."""
    more = True
    while more:
        more = await clear(hub)
        await asyncio.sleep(PAUSE_SECONDS)


async def clear(hub: Hub) -> bool:
    """Remove the index rows of a batch of superseded versions, and return whether there may be more."""
    until = kept_since(hub)
    reading = hub.database.reader
    begun = Place(await epoch.value(reading, _INSTANT), await epoch.value(reading, _ROW))
    # Before the first run no rows were kept, but for what was superseded while this hub runs.
    after = begun if begun.instant else Place(until - HOUR, 0)
    await hub.search_parameters.refresh()
    found = await superseded(reading, after, until=until, limit=BATCH)
    if not found and begun.instant:
        return False
    last = Place(found[-1].instant, found[-1].row) if found else after
    async with hub.database.write() as connection:
        await connection.lock(_LOCK)
        if Place(await epoch.value(connection, _INSTANT), await epoch.value(connection, _ROW)) != begun:
            return True
        await remove_index(connection, found, reader(hub))
        await epoch.set_value(connection, _INSTANT, last.instant)
        await epoch.set_value(connection, _ROW, last.row)
    return len(found) == BATCH
