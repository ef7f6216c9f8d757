"""The history of persons: what was done, by whom, why, on which evidence, and which Patients it moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from sqlalchemy import BigInteger, bindparam, insert, or_, select, update

from app.access import epoch
from app.db import DatabaseConnection
from app.identity.tables import identity_event, identity_move

MOST_SHOWN = 100
"""Events that are shown of one person, the latest."""

_COUNTER = "identity event"


class Act(IntEnum):
    """What was done; numbers are stored."""

    LINK = 1
    BREAK = 2
    NEVER = 3
    ALLOW = 4
    UNDO = 5


@dataclass(frozen=True, slots=True)
class Why:
    """Who does something, and why."""

    at: int
    """Microseconds since 1970 UTC."""
    actor: str
    """The account's name, or the client's id; `renkei` for the index itself."""
    reason: str
    evidence: str = ""
    """The rules that spoke, as JSON."""


ITSELF = "renkei"
"""The actor of what the index does by itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it is kept."""

    id: int
    at: int
    act: Act
    one: int
    other: int
    actor: str
    reason: str
    evidence: str
    undone: int
    """The event that took it back; 0 while it holds."""


_COLUMNS = [identity_event.c[name] for name in Event.__slots__]
_ADD = insert(identity_event).values({name: bindparam(f"n_{name}") for name in Event.__slots__})
_BY_ID = select(*_COLUMNS).where(identity_event.c.id == bindparam("id", type_=BigInteger))
_MOVES = (
    select(identity_move.c.patient_key, identity_move.c.before, identity_move.c.after)
    .where(identity_move.c.event == bindparam("event", type_=BigInteger))
    .order_by(identity_move.c.patient_key)
)
_PATIENT, _PERSON = bindparam("patient", type_=BigInteger), bindparam("person", type_=BigInteger)
_TOUCHED = select(identity_move.c.event).where(
    or_(
        identity_move.c.patient_key == _PATIENT,
        identity_move.c.after == _PERSON,
        identity_move.c.before == _PERSON,
    )
)
_OF_PATIENT = (
    select(*_COLUMNS)
    .where(
        or_(
            identity_event.c.id.in_(_TOUCHED),
            identity_event.c.one == _PATIENT,
            identity_event.c.other == _PATIENT,
        )
    )
    .order_by(identity_event.c.id.desc())
    .limit(MOST_SHOWN)
)
_UNDONE = (
    update(identity_event)
    .where(identity_event.c.id == bindparam("k_id", type_=BigInteger))
    .values(undone=bindparam("n_undone", type_=BigInteger))
)

Move = tuple[int, int, int]
"""A Patient, the person it was, and the person it is since."""


async def note(
    connection: DatabaseConnection, act: Act, pair: tuple[int, int], why: Why, moves: Sequence[Move] = ()
) -> int:
    """Write an event into the history and return its number.

    Args:
        connection: Inside a write transaction.
        act: What was done.
        pair: The two Patients it was about; 0 for one that there is not.
        why: By whom and why.
        moves: The Patients that became another person's.
    """
    number = await epoch.grow(connection, _COUNTER)
    values = (number, why.at, int(act), *pair, why.actor, why.reason, why.evidence, 0)
    await connection.execute(_ADD, dict(zip((f"n_{name}" for name in Event.__slots__), values, strict=True)))
    await connection.insert(identity_move, [(number, *move) for move in moves])
    return number


def _event(row: Sequence[Any]) -> Event:
    number, at, act, *rest = row
    return Event(number, at, Act(act), *rest)


async def event_of(connection: DatabaseConnection, number: int) -> Event | None:
    """Return an event, or None when there is none of this number."""
    rows = await connection.fetch(_BY_ID, {"id": number})
    return _event(rows[0]) if rows else None


async def moves_of(connection: DatabaseConnection, number: int) -> list[Move]:
    """Return the Patients that an event moved."""
    return [
        (int(key), int(before), int(after)) for key, before, after in await connection.fetch(_MOVES, {"event": number})
    ]


async def history(connection: DatabaseConnection, patient_key: int, person: int) -> list[Event]:
    """Return what was done to a Patient and to the person it is, the latest first, no more than `MOST_SHOWN`."""
    rows = await connection.fetch(_OF_PATIENT, {"patient": patient_key, "person": person})
    return [_event(row) for row in rows]


async def mark_undone(connection: DatabaseConnection, number: int, by: int) -> None:
    """Note that the event `by` took an event back."""
    await connection.execute(_UNDONE, {"k_id": number, "n_undone": by})
