"""Collects blobs that nothing refers to: those of an upload that ended between its bytes and its transaction.

Two steps, and two days between them (docs/decisions/0011-collecting-blobs.md says why nothing is lost):

1. A blob that is older than a day and that the database does not refer to is set aside. It is read as before.
2. After two days it is removed for good, or put back when the database refers to it by then.
"""

import asyncio
from collections.abc import AsyncIterator

from app.access.directory import organisations
from app.audit.record import Event
from app.blobs.collected import Amount, Collected, Progress, silent
from app.blobs.referred import referred, totals
from app.blobs.store import DAY, Kept
from app.blobs.turn import Turn, turn
from app.hub import Hub

WAITS = 2 * DAY
"""Microseconds that a blob is set aside for."""

FEW = 100
"""So many blobs may be collected of a custodian however few the database refers to."""

INTERACTION = "blobs-collect"
CLIENT = "renkei"
CLI = "renkei-cli"
"""The client of what a person asked for by a command."""


async def collect(
    hub: Hub,
    *,
    due: bool = False,
    even_most: bool = False,
    user_name: str | None = None,
    progress: Progress = silent,
) -> Collected:
    """Collect what nothing refers to, of all custodians, from where an interrupted run stopped.

    Args:
        hub: The hub; its audit log is running.
        due: Whether to do so only when the last whole run is a day ago.
        even_most: Whether to set aside even where the database refers to less than half of a custodian's blobs.
        user_name: Who asked, for the audit log.
        progress: Told how far it is.

    Raises:
        Busy: another collector is at work.
        NotDue: the last whole run is less than a day ago.
        DatabaseUnavailable: it could not be asked, or what is to be removed could not be recorded.
    """
    async with turn(hub, due=due) as held:
        return await _Collecting(hub, held, even_most, user_name, progress).run()


async def survey(hub: Hub, *, even_most: bool = False, progress: Progress = silent) -> Collected:
    """Return what `collect` would do, without doing it."""
    return await _Collecting(hub, None, even_most, None, progress).run()


class _Collecting:
    """One run; without a turn it only looks."""

    def __init__(self, hub: Hub, held: Turn | None, even_most: bool, user_name: str | None, progress: Progress) -> None:
        self._hub = hub
        self._blobs = hub.blobs
        self._reader = hub.database.reader
        self._turn = held
        self._even_most = even_most
        self._user_name = user_name
        self._progress = progress
        self._done = Collected()
        self._now = 0
        """By the store's clock, when the run began: later ones would find more."""

    async def run(self) -> Collected:
        """Do both steps, the second first, so that what is set aside here waits its time."""
        self._now = await self._blobs.now()
        known = {one.key for one in await organisations(self._reader)}
        if self._turn is not None:
            self._done.incoming_bytes = await asyncio.to_thread(self._blobs.clear_incoming)
        for custodian in await self._blobs.custodians(aside=True):
            if custodian in known:
                await self._settle(custodian)
        counts = {one.custodian: one.blobs for one in await totals(self._reader)}
        for custodian in await self._blobs.custodians():
            if custodian not in known:
                self._done.unknown.append(custodian)
            elif self._turn is None or custodian > self._turn.at:
                await self._collect(custodian, counts.get(custodian, 0))
        return self._done

    async def _pages(self, custodian: int, what: str, *, aside: bool = False) -> AsyncIterator[list[Kept]]:
        done = 0
        async for page in self._blobs.listing(custodian, aside=aside):
            await self._keep_turn()
            yield page
            done += len(page)
            self._progress(f"custodian {custodian}: {what}", done)

    async def _keep_turn(self) -> None:
        if self._turn is not None:
            await self._turn.keep()

    async def _settle(self, custodian: int) -> None:
        """Decide about what was set aside: by who refers to it now, and by how long it waited."""
        over = self._now - WAITS
        async for page in self._pages(custodian, "set aside before", aside=True):
            digests = await referred(self._reader, page)
            wanted = [one for one in page if one.digest in digests]
            unwanted = [one for one in page if one.digest not in digests]
            self._done.waiting.add(*(one for one in unwanted if one.modified >= over))
            await self._bring_back(wanted)
            await self._forget([one for one in wanted if one.modified < over])
            await self._remove([one for one in unwanted if one.modified < over])

    async def _forget(self, back: list[Kept]) -> None:
        """Remove what is in its place again: whatever set it aside has long ended."""
        for one in back:
            if self._turn is not None:
                await self._blobs.remove_aside(one.custodian, one.digest)

    async def _remove(self, unwanted: list[Kept]) -> None:
        """Remove blobs for good, once it is on record."""
        if self._turn is None:
            self._done.removed.add(*unwanted)
            return
        if unwanted:
            amount = Amount()
            amount.add(*unwanted)
            await self._record(unwanted[0].custodian, "D", f"Removes for good what nothing refers to: {amount}")
        for one in unwanted:
            await self._keep_turn()
            if await referred(self._reader, [one]):
                await self._bring_back([one])
            else:
                self._done.removed.add(one)
            await self._blobs.remove_aside(one.custodian, one.digest)

    async def _bring_back(self, wanted: list[Kept]) -> None:
        for one in wanted:
            if self._turn is not None and await self._blobs.bring_back(one.custodian, one.digest):
                self._done.brought_back.add(one)

    async def _collect(self, custodian: int, count: int) -> None:
        """Set aside what nothing refers to, unless that is most of what there is."""
        found = Amount()
        async for page in self._pages(custodian, "seen"):
            self._done.seen.add(*page)
            found.add(*await self._unwanted(page))
        if found.count > max(FEW, count) and not self._even_most:
            self._done.doubtful.append(custodian)
        elif self._turn is None:
            self._done.set_aside.count += found.count
            self._done.set_aside.octets += found.octets
        elif found.count:
            await self._set_aside(custodian)
        if self._turn is not None:
            await self._turn.done(custodian)

    async def _unwanted(self, page: list[Kept]) -> list[Kept]:
        old = [one for one in page if one.modified < self._now - DAY]
        wanted = await referred(self._reader, old)
        return [one for one in old if one.digest not in wanted]

    async def _set_aside(self, custodian: int) -> None:
        done = Amount()
        try:
            async for page in self._pages(custodian, "looked at again"):
                moved = []
                for one in await self._unwanted(page):
                    if await self._move(one):
                        moved.append(one)
                        done.add(one)
                # What was sent again meanwhile need not wait for the next run to be in its place.
                wanted = await referred(self._reader, moved)
                await self._bring_back([one for one in moved if one.digest in wanted])
        finally:
            self._done.set_aside.count += done.count
            self._done.set_aside.octets += done.octets
            if done.count:
                await self._record(custodian, "E", f"Set aside what nothing refers to: {done}")

    async def _move(self, one: Kept) -> bool:
        """Set a blob aside if nothing has begun to refer to it, and nobody sent it again."""
        await self._keep_turn()
        if await referred(self._reader, [one]):
            return False
        return await self._blobs.set_aside(one.custodian, one.digest, self._now - DAY)

    async def _record(self, custodian: int, action: str, words: str) -> None:
        event = Event(
            recorded=self._hub.clock(),
            action=action,
            interaction=INTERACTION,
            client=CLIENT if self._user_name is None else CLI,
            user_name=self._user_name,
            description=words,
            custodian=await self._hub.organisation_reference(custodian),
        )
        async with self._hub.database.write() as connection:
            await self._hub.audit.stage(connection, [event])
