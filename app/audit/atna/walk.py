"""The events of the hub and those of other systems in one order, the newest first, a page at a time.

What the index does not answer is looked at event by event; so many at most for one page that a request ends. A page
may therefore hold fewer events than were asked for, and still have a next one.
"""

import heapq
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.audit.asking import walk_events
from app.audit.atna.parameters import Asked, Resource
from app.audit.balp import Observer, audit_event
from app.audit.inbound.stored import received
from app.audit.review import Question, Reviewer
from app.db import DatabaseConnection

CHUNK = 200
MOST_LOOKED_AT = 10_000
"""Events that are looked at for one page."""

BEFORE_ALL = 2**63 - 1


@dataclass(frozen=True, slots=True)
class At:
    """Where a page begins: before this record of the hub, and before this event of another system."""

    row: int = BEFORE_ALL
    recorded: int = BEFORE_ALL
    received: int = BEFORE_ALL


@dataclass(slots=True)
class Found:
    """A page of events."""

    resources: list[Resource] = field(default_factory=list)
    after: At | None = None
    """Where the next page begins; None on the last."""


@dataclass(frozen=True, slots=True)
class _One:
    recorded: int
    row: int
    own: bool
    resource: Resource


@dataclass(frozen=True, slots=True)
class Walk:
    """What both kinds of events are read with.

    Attributes:
        connection: Where.
        reviewer: Opens the hub's own records.
        observer: The hub, as its events name it.
        now: Microseconds since 1970 UTC.
    """

    connection: DatabaseConnection
    reviewer: Reviewer
    observer: Observer
    now: int

    async def _own(self, asked: Asked, at: At) -> AsyncIterator[_One]:
        question = Question(patient=asked.patient, agent=asked.agent, begins=asked.begins, ends=asked.ends)
        found = walk_events(self.connection, self.reviewer, question, now=self.now, at_once=CHUNK, before=at.row)
        async for entry in found:
            resource = audit_event(entry.event, id=str(entry.row), observer=self.observer)
            yield _One(entry.event.recorded, entry.row, own=True, resource=resource)

    async def _received(self, asked: Asked, at: At) -> AsyncIterator[_One]:
        keys = self.reviewer.keys
        recorded, row = at.recorded, at.received
        while True:
            found = await received(
                *(self.connection, keys),
                begins=asked.begins,
                ends=asked.ends,
                before=(recorded, row),
                limit=CHUNK,
                patient=asked.patient,
                agent=asked.agent,
            )
            for one in found:
                yield _One(one.recorded, one.row, own=False, resource=one.resource(self.observer))
            if len(found) < CHUNK:
                return
            recorded, row = found[-1].recorded, found[-1].row

    async def page(self, asked: Asked, at: At) -> Found:
        """Return the page that begins at `at`."""
        found, looked_at = Found(), 0
        async for one in _merged(self._own(asked, at), self._received(asked, at)):
            if len(found.resources) == asked.count or looked_at == MOST_LOOKED_AT:
                found.after = at
                return found
            looked_at += 1
            at = _after(at, one)
            if asked.takes(one.resource):
                found.resources.append(one.resource)
        return found


def _after(at: At, one: _One) -> At:
    return At(one.row, at.recorded, at.received) if one.own else At(at.row, one.recorded, one.row)


async def _merged(*streams: AsyncIterator[_One]) -> AsyncIterator[_One]:
    """Yield what several streams yield, the newest first."""
    heap: list[tuple[int, int, int, _One]] = []

    async def push(number: int) -> None:
        one: Any = await anext(streams[number], None)
        if one is not None:
            heapq.heappush(heap, (-one.recorded, -one.row, number, one))

    for number in range(len(streams)):
        await push(number)
    while heap:
        _, _, number, one = heapq.heappop(heap)
        await push(number)
        yield one


def position(at: At) -> Sequence[int]:
    """Return a place as a page link keeps it."""
    return (at.row, at.recorded, at.received)
