"""Looks through the log for the unusual, record after record, in its own order, beside the requests.

The place is kept with what was found, in one transaction: a hub that was stopped goes on where it was, and of several
processes one does the work. Records older than `flag_days` raise no flags: a hub that has a log already begins with
what it has known all along, not with a heap.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam, func, insert, select, update

from app.audit.desk import kinds
from app.audit.desk.names import Whose, colleagues, whose
from app.audit.desk.noticed import FLAGGED, Noticed, forget, hashed
from app.audit.desk.tables import audit_failure, audit_flag, audit_watch
from app.audit.desk.unusual import Access, Limits, Reason, first_access, unusual
from app.audit.keys import Keys
from app.audit.record import Event
from app.audit.review import Entry, Reviewer, is_newer
from app.audit.stored import NEXT
from app.audit.tables import audit_leaf, audit_stage
from app.background import again, started
from app.clock import DAY, row_time
from app.db import DatabaseConnection
from app.hub import Hub
from app.settings import Settings

PORTION = 200
"""Records that are looked at in one transaction."""

REST_SECONDS = 0.1
"""What requests have to themselves after each full portion: a log that was there before may be large."""

EVERY_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 60.0

_TURN = 0x6465_736B
"""The key of the lock under which the place moves."""

logger = logging.getLogger(__name__)

_PLACE = select(audit_watch.c.leaf).where(audit_watch.c.id == 1)
_BEGIN = insert(audit_watch).values(id=1, leaf=bindparam("n_leaf", type_=BigInteger))
_MOVE = update(audit_watch).where(audit_watch.c.id == 1).values(leaf=bindparam("n_leaf", type_=BigInteger))
_STAGED = select(func.min(audit_stage.c.row))
_WAITS = select(audit_leaf.c.row).where(audit_leaf.c.leaf == bindparam("leaf", type_=BigInteger))


def limits_of(settings: Settings) -> Limits:
    """Return what is usual, by the settings."""
    return Limits(
        frozenset(kinds.kinds_of(settings.flag_kinds)),
        settings.flag_patients_per_day,
        settings.flag_people_per_day,
        kinds.hours_of(settings.flag_hours),
    )


async def place(connection: DatabaseConnection) -> int | None:
    """Return the leaf that is looked at next; None before the first one."""
    rows = await connection.fetch(_PLACE, {})
    return int(rows[0][0]) if rows else None


async def looked_until(connection: DatabaseConnection, now: int) -> int:
    """Return until when the log was looked through: `now` when nothing waits, in microseconds since 1970 UTC."""
    # What waits for the tree first: a record that moves meanwhile is then found in it.
    rows = [*await connection.fetch(_STAGED, {})]
    rows += await connection.fetch(_WAITS, {"leaf": await place(connection) or 0})
    return min([now, *(row_time(int(row)) for (row,) in rows if row is not None)])


def _members(record: bytes) -> Mapping[str, Any]:
    """Return what stands in a record in the open; nothing of one that somebody has spoilt."""
    try:
        found = orjson.loads(record)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _concerns(members: Mapping[str, Any]) -> bool:
    """Return whether a record can be unusual: a person, who has seen a patient or of whom the hub has warned."""
    return "u" in members and ("p" in members or members.get("i") == "many-persons")


async def _opened(
    reviewer: Reviewer, connection: DatabaseConnection, records: Sequence[tuple[int, bytes]], now: int
) -> list[Entry]:
    """Return records, opened; one that cannot be read is stepped over, so that it does not hide all that follow.

    Raises:
        UnknownVersion: a later release has just written one; its own processes look through it.
        UnknownKey: one was just sealed with a newer key than this process has; likewise.
    """

    def instead(row: int, error: Exception) -> None:
        if is_newer(row, error, reviewer.keys, now):
            raise error
        logger.error("Record %d is not looked through, it cannot be read: %s", row, error)

    return await reviewer.open_each(connection, records, instead)


@dataclass(frozen=True, slots=True)
class _Flag:
    kind: str
    entry: Entry
    reason: Reason


class _Portion:
    """Some records, opened, and whose they are; it judges them by what was noticed before."""

    def __init__(
        self, hub: Hub, entries: Sequence[Entry], known: Mapping[int, Whose], names: Mapping[str, frozenset[str]]
    ) -> None:
        self._keys: Keys = hub.audit.keys
        self._limits = limits_of(hub.settings)
        self._oldest = hub.clock() - hub.settings.flag_days * DAY
        self._entries = entries
        self._known = known
        self._names = names
        self._accesses = {one.row: self._access(one.event) for one in entries if kinds.is_opened(one.event)}

    def _access(self, event: Event) -> Access:
        found = self._known.get(event.patient_key or 0) or Whose(event.patient_key or 0)
        return Access(
            event,
            found,
            hashed(self._keys, "user", event.user or ""),
            hashed(self._keys, "person", str(found.person)),
            hashed(self._keys, "site", event.custodian or ""),
            self._names.get(event.organisation or "", frozenset()),
        )

    async def judge(self, connection: DatabaseConnection) -> tuple[list[_Flag], Noticed]:
        """Return what is unusual, and what is to be remembered."""
        noticed = Noticed()
        users = {hashed(self._keys, "user", one.event.user or "") for one in self._entries}
        days = {kinds.day_of(one.event.recorded) for one in self._entries}
        await noticed.read(connection, users | {one.person for one in self._accesses.values()}, days)
        flags: list[_Flag] = []
        for entry in self._entries:
            flags += [_Flag(kind, entry, reason) for kind, reason in self._of(entry, noticed)]
        return flags, noticed

    def _of(self, entry: Entry, noticed: Noticed) -> list[tuple[str, Reason]]:
        access, event = self._accesses.get(entry.row), entry.event
        if event.recorded < self._oldest:
            if access is not None:
                first_access(access, noticed, self._limits)
            return []
        if access is not None:
            return list(unusual(access, noticed, self._limits))
        return [one for one in self._as_recorded(event, noticed) if one[0] in self._limits.kinds]

    def _as_recorded(self, event: Event, noticed: Noticed) -> list[tuple[str, Reason]]:
        """Return what the record itself says is unusual."""
        if event.interaction == "many-persons":
            return [(kinds.MANY_PATIENTS, {"by": "hour"})]
        if event.interaction != "break-glass" or event.outcome != "0":
            return []
        # One case has a record for each of the person's Patients, of one instant.
        user, day = hashed(self._keys, "user", event.user or ""), kinds.day_of(event.recorded)
        is_new = noticed.add(FLAGGED[kinds.BREAK_GLASS], user, day, event.recorded)
        return [(kinds.BREAK_GLASS, {})] if is_new else []


async def look(hub: Hub, reviewer: Reviewer) -> int:
    """Look through the next records and return how many there were; 0 too when another process was quicker."""
    reader = hub.database.reader
    held = await place(reader)
    leaf = held or 0
    rows = await reader.fetch(NEXT, {"leaf": leaf, "limit": PORTION})
    if not rows:
        return 0
    records = [(int(row), bytes(record)) for _, row, record in rows]
    open_ = [_members(record) for _, record in records]
    concern = [one for one, members in zip(records, open_, strict=True) if _concerns(members)]
    opened = await _opened(reviewer, reader, concern, hub.clock())
    entries = [one for one in opened if not one.event.erased]
    seen = [one.event for one in entries if kinds.is_opened(one.event)]
    keys = {event.patient_key for event in seen if event.patient_key}
    names = await colleagues(reader, {event.organisation or "" for event in seen}) if seen else {}
    portion = _Portion(hub, entries, await whose(reader, keys), names)
    async with hub.database.write() as connection:
        await connection.lock(_TURN)
        if await place(connection) != held:
            return 0
        flags, noticed = await portion.judge(connection)
        await noticed.keep(connection)
        failures = [(row,) for (row, _), members in zip(records, open_, strict=True) if members.get("o") != "0"]
        await connection.insert_missing(audit_failure, failures)
        if flags:
            await connection.insert(audit_flag, [_row(hub, one) for one in flags])
        await connection.execute(_BEGIN if held is None else _MOVE, {"n_leaf": int(rows[-1][0]) + 1})
    return len(rows)


def _row(hub: Hub, flag: _Flag) -> tuple[object, ...]:
    event, keys = flag.entry.event, hub.audit.keys
    patient = hashed(keys, "patient", event.patient) if event.patient else 0
    user = hashed(keys, "user", event.user) if event.user else 0
    reason = orjson.dumps(dict(flag.reason)).decode()
    return (hub.new_row(), flag.kind, flag.entry.row, event.recorded, patient, user, reason, 0, "", "", "")


async def look_through(hub: Hub, reviewer: Reviewer) -> int:
    """Look through all that waits and return how many records there were."""
    total = 0
    while done := await look(hub, reviewer):
        total += done
        if done == PORTION:
            await asyncio.sleep(REST_SECONDS)
    if total:
        async with hub.database.write() as connection:
            # Not by the present: another process may be looking through an older day.
            await forget(connection, kinds.day_of(await looked_until(connection, hub.clock())))
    return total


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    work = partial(look_through, hub, Reviewer(hub.audit.keys))
    waits, fails = "The log waits to be looked through", "The log cannot be looked through"
    looking = again(work, EVERY_SECONDS, logger, waits=waits, fails=fails, longest_seconds=LONGEST_WAIT_SECONDS)
    return started(looking, "audit watch")
