"""Removes records that are older than the region keeps them; their leaves stay, so the proof of all others holds.

Records go in the order of the tree, from the first. What is left of them is their hashes, and a record of what was
removed and by which rule.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from app.audit.desk.tables import audit_failure
from app.audit.grow import index_of
from app.audit.record import Event
from app.audit.stored import NEXT
from app.audit.tables import audit_expired, audit_index, audit_record
from app.background import again, started
from app.clock import DAY, EPOCH, instant, row_at, row_time
from app.db import DatabaseConnection, WriteConnection

if TYPE_CHECKING:
    from app.hub import Hub
    from fhir.store.connection import Row

EVERY_SECONDS = 3_600.0

MOST_AT_ONCE = 500
"""Records that one transaction removes: others wait for it."""

PAUSE_SECONDS = 0.02

HELD_MICROSECONDS = DAY
"""A record holds others up when they are to go since so long, and it is not."""

LOCK = 0x7265_7461_696E
"""The key under which processes take turns."""

_EXPIRED = select(audit_expired.c.leaf, audit_expired.c.row).order_by(audit_expired.c.leaf.desc()).limit(1)
_REMOVE = delete(audit_record).where(audit_record.c.row == bindparam("k_row"))
_FORGET = delete(audit_failure).where(audit_failure.c.row == bindparam("k_row"))
_UNINDEX = delete(audit_index).where(
    audit_index.c.kind == bindparam("k_kind"),
    audit_index.c.hash == bindparam("k_hash"),
    audit_index.c.row == bindparam("k_row"),
)

logger = logging.getLogger(__name__)


async def expired(connection: DatabaseConnection) -> tuple[int, int]:
    """Return how many records, from the first, retention has removed, and the highest of their numbers."""
    rows = await connection.fetch(_EXPIRED, {})
    return (int(rows[0][0]), int(rows[0][1])) if rows else (0, -1)


def horizon(now: int, years: int) -> int:
    """Return the instant before which records are removed: the same day, so many years ago.

    Args:
        now: The present in microseconds since 1970 UTC.
        years: How many.
    """
    today = datetime.fromtimestamp(now // 1_000_000, UTC)
    leap_day = (today.month, today.day) == (2, 29)
    then = today.replace(year=max(1970, today.year - years), day=28 if leap_day else today.day)
    return (then - EPOCH).days * DAY


async def remove_expired(hub: "Hub") -> int:
    """Remove every record that is older than the setting keeps, and return how many; others write in between."""
    if not hub.settings.audit_years:
        return 0
    before = horizon(hub.clock(), hub.settings.audit_years)
    total = 0
    while count := await _remove_some(hub, before, first=not total):
        total += count
        await asyncio.sleep(PAUSE_SECONDS)
    await _warn_when_held(hub, before)
    return total


async def _warn_when_held(hub: "Hub", before: int) -> None:
    """Say in the hub's output which record keeps older ones: its number is of a clock that ran ahead."""
    reader = hub.database.reader
    rows = await reader.fetch(NEXT, {"leaf": (await expired(reader))[0], "limit": MOST_AT_ONCE})
    last = row_at(before - HELD_MICROSECONDS)
    held = [row for _, row, _ in rows if row < last]
    if held:
        first = int(rows[0][1])
        when = instant(row_time(first))
        words = "Retention waits for AuditEvent/%s of %s, and older records behind it stay: a clock ran ahead then"
        logger.warning(words, first, when)


async def _remove_some(hub: "Hub", before: int, *, first: bool) -> int:
    reader = hub.database.reader
    values = {"leaf": (await expired(reader))[0], "limit": MOST_AT_ONCE}
    if not _due(await reader.fetch(NEXT, values), before):
        return 0
    async with hub.database.write() as connection:
        await connection.lock(LOCK)
        size, row = await expired(connection)
        due = _due(await connection.fetch(NEXT, values | {"leaf": size}), before)
        if not due:
            return 0
        if first:
            await hub.audit.stage(connection, [_told(hub, size, before)])
        await connection.insert(audit_expired, [(due[-1][0] + 1, max(row, *(one[1] for one in due)), hub.clock())])
        await _remove(connection, due)
    return len(due)


def _due(rows: "Sequence[Row]", before: int) -> list[tuple[int, int, bytes]]:
    """Return leaf, number and bytes of the records, in the order of the tree, up to the first that is kept."""
    last = row_at(before)
    return [(int(leaf), int(row), bytes(record)) for leaf, row, record in takewhile(lambda one: one[1] < last, rows)]


async def _remove(connection: WriteConnection, due: Sequence[tuple[int, int, bytes]]) -> None:
    keys = [key for _, row, record in due for key in index_of(row, record)]
    await connection.execute_many(
        _UNINDEX, [{"k_kind": kind, "k_hash": hash_, "k_row": row} for kind, hash_, row in keys]
    )
    for statement in (_FORGET, _REMOVE):
        await connection.execute_many(statement, [{"k_row": row} for _, row, _ in due])


def _told(hub: "Hub", size: int, before: int) -> Event:
    years = hub.settings.audit_years
    words = f"Records from number {size} on and before {instant(before)} are removed: RENKEI_AUDIT_YEARS is {years}"
    return Event(recorded=hub.clock(), action="D", interaction="audit-expired", client="renkei", description=words)


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(hub), "audit retention")


async def _run(hub: "Hub") -> None:
    if hub.settings.audit_years:
        waits, fails = "Retention waits for the database", "Expired audit records cannot be removed"
        await again(partial(remove_expired, hub), EVERY_SECONDS, logger, waits=waits, fails=fails)
