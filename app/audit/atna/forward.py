"""Store and forward: the log handed on to Audit Record Repositories, in its own order, without loss.

The store is the log itself: a receiver has a place in the tree, which moves on when a batch was delivered. While it is
away nothing is lost, and nobody waits. One process at a time works for a receiver.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import BigInteger, BindParameter, bindparam, insert, select, update

from app.audit.atna import by_feed, by_syslog
from app.audit.atna.message import message
from app.audit.atna.tables import audit_forward
from app.audit.balp import Observer, audit_event
from app.audit.record import Event
from app.audit.review import Entry, Reviewer, is_newer, unreadable
from app.audit.stored import NEXT
from app.background import again, started
from app.db import DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.settings import Settings

BATCH = 200
"""Events of one delivery."""

EVERY_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
HELD = 120_000_000
"""Microseconds after which a process that said nothing more is taken to be gone."""

logger = logging.getLogger(__name__)

Resource = Mapping[str, Any]
Refused = list[tuple[int, int]]

_KEY: BindParameter[str] = bindparam("k_destination")
_PLACE = select(audit_forward.c.leaf, audit_forward.c.until, audit_forward.c.failing).where(
    audit_forward.c.destination == bindparam("destination")
)
_TAKE = (
    update(audit_forward)
    .where(audit_forward.c.destination == _KEY, audit_forward.c.until <= bindparam("k_now", type_=BigInteger))
    .values(until=bindparam("n_until"))
)
_MOVE = (
    update(audit_forward)
    .where(audit_forward.c.destination == _KEY)
    .values(leaf=bindparam("n_leaf"), until=bindparam("n_until"), failing=bindparam("n_failing"))
)
_BEGIN = insert(audit_forward).values(
    destination=bindparam("n_destination"), leaf=bindparam("n_leaf"), until=0, failing=0
)
_TURN = 0x6174_6E61
"""The key of the lock under which a receiver's place is made."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A receiver: its name in the table, and what delivers a batch to it and returns what it refuses for good."""

    name: str
    deliver: Callable[[Sequence[Resource]], Awaitable[Refused]]


def _syslog(settings: Settings) -> Destination:
    parts = urlsplit(settings.audit_syslog)
    receiver = by_syslog.Receiver(
        parts.hostname or "",
        parts.port or 6514,
        settings.audit_peer_authority,
        settings.audit_peer_certificate,
        settings.audit_peer_key,
    )
    host = urlsplit(settings.address).hostname or "-"

    async def deliver(resources: Sequence[Resource]) -> Refused:
        await asyncio.to_thread(by_syslog.deliver, receiver, [message(one, host) for one in resources])
        return []

    return Destination(settings.audit_syslog, deliver)


def _feed(settings: Settings) -> Destination:
    files = (settings.audit_peer_authority, settings.audit_peer_certificate, settings.audit_peer_key)
    address = settings.audit_feed.rstrip("/")

    async def deliver(resources: Sequence[Resource]) -> Refused:
        context = by_syslog.context(*files)
        return await by_feed.deliver(address, resources, context=context, token=settings.audit_feed_token)

    return Destination(address, deliver)


def destinations(settings: Settings) -> list[Destination]:
    """Return the receivers that the settings name."""
    found = [_syslog(settings)] if settings.audit_syslog else []
    return found + ([_feed(settings)] if settings.audit_feed else [])


class Forwarder:
    """Hands the log on to one receiver.

    Args:
        hub: The running hub.
        destination: The receiver.
        reviewer: Opens records.
    """

    def __init__(self, hub: Hub, destination: Destination, reviewer: Reviewer) -> None:
        self._hub = hub
        self._to = destination
        self._reviewer = reviewer
        self._observer = Observer("Device/hub", hub.settings.fhir_address, hub.settings.region)
        self._failing = 0

    async def forward(self) -> int:
        """Hand on what waits, and return how many events that were; 0 too when another process is at it.

        Raises:
            OSError: the receiver takes nothing now; it is on record since when.
            DatabaseUnavailable: the place cannot be read or moved.
        """
        leaf = await self._take()
        total = 0
        while leaf is not None:
            rows = await self._hub.database.reader.fetch(NEXT, {"leaf": leaf, "limit": BATCH})
            if not rows:
                await self._move(leaf, 0)
                return total
            leaf = await self._deliver(leaf, rows)
            total += len(rows)
        return total

    async def _deliver(self, leaf: int, rows: Sequence[Sequence[Any]]) -> int:
        """Deliver a batch and return the place after it."""
        records = [(int(row), bytes(record)) for _, row, record in rows]
        opened = await self._reviewer.open_each(self._hub.database.reader, records, self._instead)
        resources = [audit_event(one.event, id=str(one.row), observer=self._observer) for one in opened]
        try:
            refused = await self._to.deliver(resources)
        except OSError as error:
            await self._fail(leaf, str(error))
            raise
        said = [f"record {rows[number][0]} is refused with {status}" for number, status in refused]
        if self._failing:
            said.append("The receiver takes events again")
        self._failing = 0
        after = int(rows[-1][0]) + 1
        await self._move(after, self._hub.clock() + HELD, *said, outcome="4" if refused else "0")
        return after

    def _instead(self, row: int, error: Exception) -> Entry:
        """Return what is handed on for a record that cannot be read; one of a newer key or release is waited for."""
        if is_newer(row, error, self._reviewer.keys, self._hub.clock()):
            raise error
        return unreadable(row, error)

    async def _fail(self, leaf: int, reason: str) -> None:
        """Note since when the receiver takes nothing; the first failure is on record."""
        first = not self._failing
        self._failing = self._failing or self._hub.clock()
        await self._move(leaf, 0, *([f"The receiver takes no events: {reason}"[:1000]] if first else []), outcome="8")

    async def _move(self, leaf: int, until: int, *said: str, outcome: str = "0") -> None:
        """Note a receiver's place, and what the log is to be told with it."""
        values = {"k_destination": self._to.name, "n_leaf": leaf, "n_until": until, "n_failing": self._failing}
        async with self._hub.database.write() as connection:
            await connection.execute(_MOVE, values)
            if said:
                await self._hub.audit.stage(connection, [self._event("; ".join(said), outcome)])

    def _event(self, words: str, outcome: str) -> Event:
        return Event(
            recorded=self._hub.clock(),
            action="E",
            interaction="audit-forwarded",
            outcome=outcome,
            outcome_desc=None if outcome == "0" else words,
            client="renkei",
            description=words,
            entities=(self._to.name,),
        )

    async def _take(self) -> int | None:
        """Return the receiver's place once this process holds it; None when another does."""
        now = self._hub.clock()
        reader = self._hub.database.reader
        rows = await reader.fetch(_PLACE, {"destination": self._to.name})
        if rows and not (rows[0][1] <= now and await self._is_behind(int(rows[0][0]))):
            return None
        async with self._hub.database.write() as connection:
            await self._make(connection)
            values = {"k_destination": self._to.name, "k_now": now, "n_until": now + HELD}
            if await connection.execute(_TAKE, values) != 1:
                return None
            rows = await connection.fetch(_PLACE, {"destination": self._to.name})
        self._failing = int(rows[0][2])
        return int(rows[0][0])

    async def _is_behind(self, leaf: int) -> bool:
        return bool(await self._hub.database.reader.fetch(NEXT, {"leaf": leaf, "limit": 1}))

    async def _make(self, connection: WriteConnection) -> None:
        """Give a new receiver its place: it gets the whole log, from the first record."""
        await connection.lock(_TURN)
        if not await connection.fetch(_PLACE, {"destination": self._to.name}):
            await connection.execute(_BEGIN, {"n_destination": self._to.name, "n_leaf": 0})


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start handing on to every receiver, and return what ends it."""
    reviewer = Reviewer(hub.audit.keys)
    found = [Forwarder(hub, one, reviewer) for one in destinations(hub.settings)]
    return started(_all([one.forward for one in found]), "audit forwarding")


async def _all(works: Sequence[Callable[[], Awaitable[int]]]) -> None:
    handing = [
        again(
            work,
            EVERY_SECONDS,
            logger,
            waits="The audit log waits to be handed on",
            fails="The audit log cannot be handed on",
            passing=(OSError, DatabaseUnavailable),
            longest_seconds=LONGEST_WAIT_SECONDS,
        )
        for work in works
    ]
    await asyncio.gather(*handing)
