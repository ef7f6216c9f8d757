"""Images of sources while somebody looks at them, and as long after as the source's policy allows.

An instance is fetched whole: only its own header proves that it is the one that was asked for, so nothing of it is
shown before. Several who ask for it at once share one fetch. Whoever may see it was decided before anybody comes here.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from app.background import again, started
from app.blobs import Incoming
from app.imaging.sources.cache import PICTURE_DAYS, Cache, is_fresh
from app.imaging.sources.dimse import get_instance
from app.imaging.sources.failures import SourceFailed, Untrue
from app.imaging.sources.instance import Held, from_cache, opened, proven
from app.imaging.sources.line import Line
from app.imaging.sources.metrics import HELD, KEPT_OCTETS
from app.imaging.sources.source import ImagingSource, Registered
from app.imaging.sources.web import fetch_instance
from dicom.json_model import instance_path
from dicom.part10 import Instance
from dicom.store.read import InstanceRow
from dicom.store.refer import Reference

if TYPE_CHECKING:
    from app.hub import Hub

LINGERS_SECONDS = 30.0
"""How long what is not to be kept is held after it was last read: a viewer asks for frames one by one."""

MOST_OPEN = 500
"""Files that are held open."""

SWEEP_SECONDS = 15.0

SWEEP_CACHE_SECONDS = 3600.0
"""How often what is too old is looked for, though little was fetched meanwhile."""

logger = logging.getLogger(__name__)

Key = tuple[int, int]
"""Patient key and row of a reference: one of the same UID that is known later is another."""


class Holder:
    """What one process holds of sources' images.

    Args:
        hub: The running hub.
    """

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._lines: dict[int, Line] = {}
        self._former: list[Line] = []
        self._held: OrderedDict[Key, Held] = OrderedDict()
        self._fetching: dict[Key, asyncio.Task[Held]] = {}
        self._cache = Cache(hub.settings.home / "image-cache")
        self._unswept = 0
        self._swept = -SWEEP_CACHE_SECONDS

    def line(self, source: ImagingSource) -> Line:
        """Return the line to a source as it is registered now."""
        known = self._lines.get(source.key)
        if known is None or known.source != source:
            if known is not None:
                # Somebody may be asking by it still.
                self._former.append(known)
            known = self._lines[source.key] = Line(self._hub, source)
        return known

    async def registered(self, row: InstanceRow | Reference) -> Registered:
        """Return the source of a reference.

        Raises:
            SourceFailed: it is not registered any more, or not for that site.
        """
        found = await self._hub.sources.find(row.source or 0, row.custodian)
        if found is None:
            raise SourceFailed("The imaging source of this instance is not registered any more")
        return found

    async def hold(self, row: InstanceRow | Reference) -> Held:
        """Return an instance of a source, fetched if it is not here.

        Raises:
            SourceFailed: it is not to be had, or is not what was asked for.
        """
        registered = await self.registered(row)
        source, key = registered.source, _key(row)
        found = self._held.get(key)
        if found is not None and found.source == source.key:
            HELD.labels(source.name).inc()
            self._held.move_to_end(key)
            found.last_read = time.monotonic()
            return found
        task = self._fetching.get(key)
        if task is None:
            task = self._fetching[key] = asyncio.create_task(self._obtain(source, row))
            task.add_done_callback(lambda _: self._fetching.pop(key, None))
        # Whoever goes away takes it from nobody else.
        return await asyncio.shield(task)

    def has(self, row: InstanceRow | Reference) -> bool:
        """Return whether an instance is held now, so that its source need not be asked."""
        found = self._held.get(_key(row))
        return found is not None and found.source == row.source

    async def _obtain(self, source: ImagingSource, row: InstanceRow | Reference) -> Held:
        path = self._cache.place(row)
        if source.days and await asyncio.to_thread(is_fresh, path, source.days):
            try:
                return self._take(row, await asyncio.to_thread(from_cache, path, row, source))
            except (OSError, Untrue):
                logger.warning("An image in the cache cannot be read; it is fetched again")
        incoming = self._cache.incoming()
        try:
            instance = await self.fetch(source, row, incoming)
            if source.days:
                await asyncio.to_thread(self._cache.put, incoming, path)
                self._unswept += incoming.size
            place = path if source.days else incoming.path
            return self._take(row, await asyncio.to_thread(opened, place, instance, incoming.digest, source))
        finally:
            incoming.discard()

    async def fetch(self, source: ImagingSource, row: InstanceRow | Reference, incoming: Incoming) -> Instance:
        """Write an instance as its source has it into an empty file; return what it is, which is what was asked for.

        Raises:
            SourceFailed: it is not to be had, or is another.
        """
        line = self.line(source)
        most_bytes = self._hub.settings.instance_bytes
        async with line.asking():
            if source.get_by == "web":
                path = instance_path(row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
                await fetch_instance(line, f"/{path}", incoming, most_bytes=most_bytes)
            else:
                await get_instance(line, row, incoming, most_bytes=most_bytes)
            incoming.readable()
            return await asyncio.to_thread(proven, incoming.path, row, source)

    def _take(self, row: InstanceRow | Reference, found: Held) -> Held:
        self._held[_key(row)] = found
        while len(self._held) > MOST_OPEN or self._lingering() > self._hub.settings.image_cache_bytes:
            if len(self._held) == 1:
                break
            self._drop(next(iter(self._held)))
        return found

    def _lingering(self) -> int:
        return sum(one.size for one in self._held.values() if not one.kept)

    def _drop(self, key: Key) -> None:
        # Closed when nobody reads it any more: its number may be another file's at once.
        del self._held[key]

    # Small pictures of it, where the policy is to keep those.

    async def picture(self, row: InstanceRow, asked: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return a small picture of an instance, made when none is kept.

        Raises:
            SourceFailed: the instance is not to be had.
        """
        source = (await self.registered(row)).source
        if source.cache != "thumbnails":
            return await make()
        path = self._cache.place(row, asked)
        if await asyncio.to_thread(is_fresh, path, PICTURE_DAYS):
            with suppress(OSError):
                return await asyncio.to_thread(path.read_bytes)
        made = await make()
        incoming = self._cache.incoming()
        try:
            incoming.write(made)
            await asyncio.to_thread(self._cache.put, incoming, path)
            self._unswept += incoming.size
        finally:
            incoming.discard()
        return made

    # What is over.

    async def forget(self, rows: Sequence[InstanceRow | Reference]) -> None:
        """Drop what is held of references that are none any more, and what is kept of them."""
        mine = [row for row in rows if row.source is not None]
        for row in mine:
            if _key(row) in self._held:
                self._drop(_key(row))
        if mine:
            await asyncio.to_thread(self._cache.forget, mine)

    def start(self) -> Callable[[], Awaitable[None]]:
        """Start what drops and removes that whose time is over; return what ends it."""
        waits, fails = "Images of sources are kept longer", "Images of sources cannot be swept"
        work = again(self.sweep, SWEEP_SECONDS, logger, waits=waits, fails=fails)
        return started(work, "images of sources")

    async def sweep(self) -> None:
        """Drop what nobody has read for a while, and remove from the cache what is too old or too much."""
        over = time.monotonic() - LINGERS_SECONDS
        for key in [key for key, one in self._held.items() if one.last_read < over]:
            self._drop(key)
        most = self._hub.settings.image_cache_bytes
        if self._unswept > most // 20 or time.monotonic() - self._swept >= SWEEP_CACHE_SECONDS:
            days: dict[int, int] = {}
            for one in await self._hub.sources.all():
                longest = PICTURE_DAYS if one.source.cache == "thumbnails" else one.source.days
                days[one.caller.organisation] = max(days.get(one.caller.organisation, 0), longest)
            self._unswept, self._swept = 0, time.monotonic()
            KEPT_OCTETS.set(await asyncio.to_thread(self._cache.sweep, days, most))

    async def close(self) -> None:
        """Drop everything and end the lines."""
        for task in list(self._fetching.values()):
            task.cancel()
        await asyncio.gather(*self._fetching.values(), return_exceptions=True)
        for key in list(self._held):
            self._drop(key)
        for line in (*self._lines.values(), *self._former):
            await line.close()


def _key(row: InstanceRow | Reference) -> Key:
    return row.patient_key, row.id
