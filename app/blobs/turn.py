"""One collector at a time, in whichever process: a turn that ends by itself when its process was killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.access import epoch
from app.blobs.store import DAY
from app.hub import Hub

LASTS = 1_800_000_000
"""Microseconds. A collector says more often that it is still at work; S3 is asked again for three minutes at most."""

_LOCK = 0x626C6F62
"""The key under which collectors take turns."""

_UNTIL = "blobs collect until"
_LAST = "blobs collect last"
_AT = "blobs collect at"


class Busy(Exception):
    """Another collector is at work, or was killed within the last half hour."""


class NotDue(Exception):
    """A collector was at work within the last day."""


class Turn:
    """The turn of one collector.

    Attributes:
        at: The custodian that a run which was interrupted had done last; 0 when there is none.
    """

    def __init__(self, hub: Hub, until: int, at: int) -> None:
        self.at = at
        self._hub = hub
        self._until = until

    async def keep(self) -> None:
        """Say that this collector is still at work.

        Raises:
            Busy: it did not say so for too long, and another has begun.
        """
        if self._until - self._hub.clock() < LASTS // 2:
            await self._set(self._hub.clock() + LASTS)

    async def done(self, custodian: int) -> None:
        """Note that a custodian is done."""
        await self._set(self._until, at=custodian)

    async def end(self, *, whole: bool) -> None:
        """Give the turn back; after a whole run the next one begins anew, a day later unless it is asked for."""
        await self._set(0, at=0 if whole else None, last=self._hub.clock() if whole else None)

    async def _set(self, until: int, *, at: int | None = None, last: int | None = None) -> None:
        async with self._hub.database.write() as connection:
            await connection.lock(_LOCK)
            if await epoch.value(connection, _UNTIL) != self._until:
                raise Busy("Another collector has begun, since this one did not say that it is at work")
            for name, value in ((_UNTIL, until), (_AT, at), (_LAST, last)):
                if value is not None:
                    await epoch.set_value(connection, name, value)
        self._until = until


async def _begin(hub: Hub, *, due: bool) -> Turn:
    async with hub.database.write() as connection:
        await connection.lock(_LOCK)
        now = hub.clock()
        # An instant that lies ahead was noted while the clock was wrong.
        if due and 0 <= now - await epoch.value(connection, _LAST) < DAY:
            raise NotDue
        if 0 < await epoch.value(connection, _UNTIL) - now <= LASTS:
            raise Busy("Another collector is at work, or was killed less than half an hour ago")
        await epoch.set_value(connection, _UNTIL, now + LASTS)
        return Turn(hub, now + LASTS, await epoch.value(connection, _AT))


@asynccontextmanager
async def turn(hub: Hub, *, due: bool) -> AsyncIterator[Turn]:
    """Hold the turn.

    Args:
        hub: The hub.
        due: Whether to hold it only when the last whole run ended a day ago.

    Raises:
        Busy: another collector holds it.
        NotDue: the last whole run ended less than a day ago.
    """
    held = await _begin(hub, due=due)
    whole = False
    try:
        yield held
        whole = True
    finally:
        await held.end(whole=whole)
