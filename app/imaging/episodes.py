"""An access to images is an episode: a caller, a study, a purpose, ten minutes; it is recorded before its first byte.

A study is looked at in a thousand requests. What they may show is decided anew for each; only the record is shared.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.clock import Clock
from app.imaging.events import Touched, imaging_events

if TYPE_CHECKING:
    from app.records.request import Request

EPISODE_MICROSECONDS = 600 * 1_000_000
MOST_EPISODES = 100_000
"""Kept in one process; whoever exceeds it is recorded anew."""

Key = tuple[int, int, str, str, str, str, int, str, tuple[int, ...]]


class Episodes:
    """The episodes of one process, from the oldest to the newest.

    Args:
        clock: The present in microseconds.
        append: Returns when the records of events are durable.
    """

    def __init__(self, clock: Clock, append: Callable[[Sequence[Event]], Awaitable[None]]) -> None:
        self._clock = clock
        self._append = append
        self._begun: OrderedDict[Key, tuple[int, asyncio.Future[None]]] = OrderedDict()

    async def enter(self, request: "Request", touched: Sequence[Touched]) -> None:
        """Return when each of the studies has a durable record of this access.

        Raises:
            AuditUnavailable: it could not be recorded; nothing may be disclosed.
        """
        self._forget()
        request.images_of.update((one.patient_key, one.custodian) for one in touched)
        new: list[Touched] = []
        waited: list[asyncio.Future[None]] = []
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        for one in dict.fromkeys(touched):
            begun = self._begun.get(key := _key(request, one))
            if begun is None:
                new.append(one)
                self._begun[key] = (self._clock(), done)
            else:
                waited.append(begun[1])
        if new:
            await self._record(request, new, done)
        for future in waited:
            await asyncio.shield(future)

    async def _record(self, request: "Request", new: Sequence[Touched], done: asyncio.Future[None]) -> None:
        try:
            await self._append(await imaging_events(request, new, 200))
        except BaseException as error:
            # Whoever waits for this record fails with it; the next request tries again.
            for one in new:
                self._begun.pop(_key(request, one), None)
            done.set_exception(error if isinstance(error, Exception) else AuditUnavailable("The caller went away"))
            done.exception()
            raise
        done.set_result(None)

    def _forget(self) -> None:
        """Drop the episodes that are over."""
        oldest = self._clock() - EPISODE_MICROSECONDS
        while self._begun:
            key, (begun, _) = next(iter(self._begun.items()))
            if begun > oldest and len(self._begun) < MOST_EPISODES:
                return
            del self._begun[key]


def _key(request: "Request", one: Touched) -> Key:
    caller = request.caller
    return (
        # Persons who come by links have no accounts, and one system makes the links of all of them.
        *(caller.organisation, caller.account, caller.client, caller.user, caller.role, caller.purpose),
        *(one.patient_key, one.study_instance_uid, tuple(case.number for case in caller.glass)),
    )
