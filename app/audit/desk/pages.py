"""Pages of the log, the newest first: what the index does not find is looked at record by record, within bounds."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from app.audit.asking import ask_about
from app.audit.balp import Observer
from app.audit.desk.asked import Asked
from app.audit.desk.own_log import patients_beside
from app.audit.desk.shown import Shown, of_event, of_resource
from app.audit.inbound.stored import received
from app.audit.review import Reviewer
from app.clock import DAY, row_at, row_time
from app.db import DatabaseConnection

CHUNK = 500
MOST_LOOKED_AT = 5_000
"""Events that are looked at for one page: it may hold fewer than were asked for, and still have a next one."""

MOST_IN_FILE = 20_000
"""Events of one file."""

BEFORE_ALL = (2**63 - 1, 2**63 - 1)
Before = tuple[int, int]
"""When it was recorded, or came, and its number; of the hub's own the number alone counts."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of events."""

    events: Sequence[Shown]
    before: Before | None
    """Where the next page begins; None on the last."""


@dataclass(frozen=True, slots=True)
class Log:
    """What events are read with.

    Attributes:
        connection: Where.
        reviewer: Opens the hub's own records.
        observer: The hub, as its events name it.
        now: Microseconds since 1970 UTC.
        references: By slug, `Organization/<id>`.
        keys: By slug, the key of the organisation.
    """

    connection: DatabaseConnection
    reviewer: Reviewer
    observer: Observer
    now: int
    references: Mapping[str, str]
    keys: Mapping[str, int]

    async def _own(self, asked: Asked, before: Before, chunk: int) -> AsyncIterator[tuple[Before, Shown]]:
        question, at = asked.question(self.references), before[1]
        patients = [asked.patient]
        if asked.whole:
            patients = [one.reference for one in await patients_beside(self.connection, asked.patient)] or patients
        while True:
            page = await ask_about(
                *(self.connection, self.reviewer, question, patients), now=self.now, limit=chunk, before=at
            )
            for entry in page.entries:
                yield (entry.event.recorded, entry.row), of_event(entry.row, entry.event)
            if page.before is None:
                return
            at = page.before

    async def _others(self, asked: Asked, before: Before, chunk: int) -> AsyncIterator[tuple[Before, Shown]]:
        organisation, tomorrow = self.keys.get(asked.site, 0), self.now + DAY
        begins, ends, arrived = asked.begins, min(asked.ends, tomorrow), None
        if asked.by_arrival:
            begins, ends, arrived = 0, tomorrow, (row_at(asked.begins), row_at(asked.ends))
        while True:
            found = await received(
                *(self.connection, self.reviewer.keys),
                begins=begins,
                ends=ends,
                before=before,
                arrived=arrived,
                limit=chunk,
                patient=asked.patient,
                number=asked.patient.removeprefix("Patient/"),
                agent=asked.user,
                organisation=organisation,
            )
            for one in found:
                before = (row_time(one.row) if arrived else one.recorded, one.row)
                yield before, of_resource(one, one.resource(self.observer))
            if len(found) < chunk:
                return

    async def page(self, asked: Asked, *, limit: int, before: Before = BEFORE_ALL, most: int = MOST_LOOKED_AT) -> Found:
        """Return at most `limit` events that answer a question.

        Args:
            asked: The question.
            limit: The most events.
            before: `Found.before` of the page before.
            most: So many events are looked at.
        """
        events: list[Shown] = []
        looked_at, last = 0, before
        # The hub's own failures are found by an index.
        by_one = asked.purpose or (asked.failures and asked.others)
        chunk = CHUNK if by_one else min(CHUNK, limit + 1)
        stream = (self._others if asked.others else self._own)(asked, before, chunk)
        async for place, one in stream:
            if len(events) == limit or looked_at == most:
                return Found(events, last)
            looked_at, last = looked_at + 1, place
            if _takes(asked, one):
                events.append(one)
        return Found(events, None)


def _takes(asked: Asked, one: Shown) -> bool:
    if asked.purpose and one.purpose != asked.purpose:
        return False
    return not asked.failures or one.outcome != "0"
