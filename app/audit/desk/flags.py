"""Flags: what the watch has found unusual, with its reason; the auditor looks into each and closes it with a remark.

A flag leads to a record of the log. Who and whose it was is read off that record: once the details of a patient were
erased, a flag says no more than the record does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, Select, bindparam, func, select, update

from app.access.caller import Caller
from app.access.events import by, event
from app.audit.desk.kinds import KINDS
from app.audit.desk.noticed import hashed
from app.audit.desk.reviews import LONGEST, checked
from app.audit.desk.tables import audit_flag
from app.audit.record import Event
from app.audit.review import Reviewer
from app.audit.stored import records_of
from app.clock import row_at
from app.db import DatabaseConnection
from app.db.padded import padded, parameters
from app.hub import Hub
from fhir.errors import Conflict, InvalidValue, NotFound

STATES = ("open", "closed", "all")
MOST_CLOSED = 200
"""Flags that one form closes."""

FIRST = 2**63 - 1
CLOCKS_DIFFER_MILLISECONDS = 60_000
"""By so much the clocks of processes may differ."""

_COLUMNS = tuple(
    audit_flag.c[name]
    for name in ("number", "kind", "record", "recorded", "reason", "closed", "closed_by", "closed_by_title", "remark")
)
_COUNTS = select(audit_flag.c.kind, func.count()).where(audit_flag.c.closed == 0).group_by(audit_flag.c.kind)
_ONE = select(*_COLUMNS).where(audit_flag.c.number == bindparam("number", type_=BigInteger))
_CLOSE = (
    update(audit_flag)
    .where(audit_flag.c.number == bindparam("k_number", type_=BigInteger), audit_flag.c.closed == 0)
    .values(
        closed=bindparam("n_at", type_=BigInteger),
        closed_by=bindparam("n_by"),
        closed_by_title=bindparam("n_title"),
        remark=bindparam("n_remark"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which flags."""

    state: str = "open"
    """One of `STATES`."""
    kind: str = ""
    """One of `KINDS`, or empty for all."""
    patients: Sequence[str] = ()
    """`Patient/<id>`: any of these, or none to ask for nobody."""
    user: str = ""
    """The name of an account, or empty."""
    begins: int = 0
    """When the record was made: microseconds since 1970 UTC."""
    ends: int = 2**62
    """Likewise; outside."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag and the record that it is about."""

    number: int
    kind: str
    record: int
    recorded: int
    """Microseconds since 1970 UTC."""
    reason: Mapping[str, str | int]
    closed: int
    closed_by: str
    closed_by_title: str
    remark: str
    event: Event | None
    """None when the record is not there."""


@lru_cache(maxsize=64)
def _list(names: tuple[str, ...], patients: int) -> Select[Any]:
    """Return the select of a page, by these conditions, for so many patients."""
    hashes = parameters("patient", patients, BigInteger)
    conditions = {
        "open": audit_flag.c.closed == 0,
        "closed": audit_flag.c.closed > 0,
        "kind": audit_flag.c.kind == bindparam("kind"),
        "patient": audit_flag.c.patient_hash.in_(hashes),
        "user": audit_flag.c.user_hash == bindparam("user", type_=BigInteger),
    }
    return (
        select(*_COLUMNS)
        .where(
            audit_flag.c.number < bindparam("before", type_=BigInteger),
            audit_flag.c.number >= bindparam("first", type_=BigInteger),
            audit_flag.c.recorded >= bindparam("begins", type_=BigInteger),
            audit_flag.c.recorded < bindparam("ends", type_=BigInteger),
            *(conditions[name] for name in names),
        )
        .order_by(audit_flag.c.number.desc())
        .limit(bindparam("limit", type_=Integer))
    )


async def _with_events(connection: DatabaseConnection, reviewer: Reviewer, rows: Sequence[Sequence[Any]]) -> list[Flag]:
    found = await records_of(connection, list(dict.fromkeys(int(row[2]) for row in rows)))
    events = {entry.row: entry.event for entry in await reviewer.open_each(connection, found)}
    return [Flag(*(*row[:4], orjson.loads(row[4]), *row[5:], events.get(int(row[2])))) for row in rows]


async def flags(
    connection: DatabaseConnection, reviewer: Reviewer, wanted: Wanted, *, limit: int, before: int = FIRST
) -> tuple[list[Flag], int | None]:
    """Return flags, the newest first, and where the next page begins, None on the last.

    Args:
        connection: Where to read.
        reviewer: Opens the records.
        wanted: Which.
        limit: The most flags.
        before: The number of the last flag of the page before.
    """
    names = tuple(
        one
        for one, asked in (
            *(("open", wanted.state == "open"), ("closed", wanted.state == "closed"), ("kind", wanted.kind)),
            *(("patient", wanted.patients), ("user", wanted.user)),
        )
        if asked
    )
    values: dict[str, int | str] = {
        "before": before,
        # A flag is made after its record, and its number tells when: what was made before is not looked at.
        "first": row_at(wanted.begins) - (CLOCKS_DIFFER_MILLISECONDS << 21),
        "begins": wanted.begins,
        "ends": wanted.ends,
        "limit": limit + 1,
        "kind": wanted.kind,
        "user": hashed(reviewer.keys, "user", wanted.user),
    }
    hashes = padded("patient", [hashed(reviewer.keys, "patient", one) for one in wanted.patients])
    rows = await connection.fetch(_list(names, len(hashes)), values | hashes)
    shown = rows[:limit]
    found = await _with_events(connection, reviewer, shown)
    return found, int(shown[-1][0]) if len(rows) > limit else None


async def flag_of(connection: DatabaseConnection, reviewer: Reviewer, number: int) -> Flag:
    """Return a flag.

    Raises:
        NotFound: there is none.
    """
    rows = await connection.fetch(_ONE, {"number": number})
    if not rows:
        raise NotFound("There is no such flag")
    return (await _with_events(connection, reviewer, rows))[0]


async def open_counts(connection: DatabaseConnection) -> dict[str, int]:
    """Return how many flags of each kind are open, in the order of the kinds."""
    counts = {str(kind): int(count) for kind, count in await connection.fetch(_COUNTS, {})}
    return {kind: counts[kind] for kind in KINDS if kind in counts}


async def close(hub: Hub, caller: Caller, numbers: Sequence[int], remark: str, *, network: str, path: str) -> int:
    """Close flags with a remark and return how many were open.

    Raises:
        InvalidValue: there is no remark, or no flag is named, or too many are.
        Conflict: none of them is open.
    """
    words, now = checked(remark, LONGEST, "remark"), hub.clock()
    # In one order, so that two who close the same ones do not wait for each other.
    named = sorted(set(numbers))
    if not named or len(named) > MOST_CLOSED:
        raise InvalidValue(f"Between 1 and {MOST_CLOSED} flags are closed at once", "flag")
    closed = []
    async with hub.database.write() as connection:
        for number in named:
            values = {"n_at": now, "n_by": caller.user, "n_title": caller.user_title, "n_remark": words}
            if await connection.execute(_CLOSE, {"k_number": number, **values}):
                closed.append(number)
        if not closed:
            raise Conflict("Somebody else has closed them meanwhile")
        text = f"Flags closed: {', '.join(map(str, closed))}: {words}"
        said = event(hub, "audit-review", network=network, path=path, **by(caller), description=text)
        await hub.audit.stage(connection, [said])
    return len(closed)
