"""The review queue: pairs of Patients that a person must look at, one for each two persons.

An open pair of two persons asks whether they are one; an open pair inside one person (`Grade.NO`) asks whether they
still are: somebody changed a Patient so that it contradicts the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, Select, bindparam, delete, func, insert, or_, select, update

from app.db import DatabaseConnection
from app.identity.decide import Grade
from app.identity.evidence import Evidence
from app.identity.history import Why
from app.identity.never import Pair, ordered
from app.identity.tables import identity_pair, person_patient
from fhir.store.connection import Visibility
from fhir.store.statements import by_shape
from fhir.store.tables import resource


class State(IntEnum):
    """Where a pair is; numbers are stored."""

    OPEN = 0
    LATER = 1
    LINKED = 2
    APART = 3
    GONE = 4
    """A Patient was deleted, or is not like the other any more."""
    KEPT = 5
    """Looked at, and left as it is."""


WAITING = (State.OPEN, State.LATER)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pair in the queue."""

    one: int
    other: int
    grade: Grade
    points: int
    evidence: tuple[Evidence, ...]
    state: State
    found: int
    """Since when, in microseconds since 1970 UTC."""
    changed: int
    actor: str
    reason: str
    """Why the index did not decide it, or what the one who put it off wrote."""


_PLAIN = ("one", "other", "grade", "score", "evidence", "state", "found", "changed", "actor", "reason")
_COLUMNS = [identity_pair.c[name] for name in _PLAIN]
_ONE, _OTHER = bindparam("k_one", type_=BigInteger), bindparam("k_other", type_=BigInteger)
_IS_PAIR = (identity_pair.c.one == _ONE) & (identity_pair.c.other == _OTHER)
_IS_WAITING = identity_pair.c.state.in_([int(state) for state in WAITING])
_PATIENT = bindparam("patient", type_=BigInteger)
_IS_OF = or_(identity_pair.c.one == _PATIENT, identity_pair.c.other == _PATIENT)
_GET = select(*_COLUMNS).where(
    identity_pair.c.one == bindparam("one", type_=BigInteger),
    identity_pair.c.other == bindparam("other", type_=BigInteger),
)
_OF_PATIENT = select(*_COLUMNS).where(_IS_OF)
_ADD = insert(identity_pair).values({name: bindparam(f"n_{name}") for name in _PLAIN})
_REMOVE = delete(identity_pair).where(_IS_PAIR)
_SETTLE = (
    update(identity_pair)
    .where(_IS_PAIR)
    .values({name: bindparam(f"n_{name}") for name in ("state", "changed", "actor", "reason")})
)
_PERSON = select(person_patient.c.patient_key).where(person_patient.c.person == bindparam("person", type_=BigInteger))


@by_shape
def _waiting(visibility: Visibility, columns: int) -> Select[Any]:
    """Return the queue of a caller: pairs of which both Patients exist for it; their number, or a page of them."""
    one, other = resource.alias("one"), resource.alias("other")
    joined = identity_pair.join(
        one, (one.c.patient_key == identity_pair.c.one) & (one.c.row == identity_pair.c.one)
    ).join(other, (other.c.patient_key == identity_pair.c.other) & (other.c.row == identity_pair.c.other))
    visible = visibility.condition(one) & visibility.condition(other) & (one.c.deleted == 0) & (other.c.deleted == 0)
    state = identity_pair.c.state == bindparam("state", type_=Integer)
    if not columns:
        return select(func.count()).select_from(joined).where(state, visible)
    return (
        select(*_COLUMNS)
        .select_from(joined)
        .where(state, visible)
        .order_by(
            *(identity_pair.c.grade.desc(), identity_pair.c.score.desc(), identity_pair.c.one, identity_pair.c.other)
        )
        .limit(bindparam("count", type_=Integer))
        .offset(bindparam("after", type_=Integer))
    )


def as_json(evidence: Iterable[Evidence]) -> str:
    """Return evidence as it is kept: `[["birth.same", 12], …]`."""
    return orjson.dumps([list(one) for one in evidence]).decode()


def _made(row: Sequence[Any]) -> Waiting:
    one, other, grade, points, evidence, state, *rest = row
    spoke = tuple(Evidence(rule, weight) for rule, weight in orjson.loads(evidence))
    return Waiting(one, other, Grade(grade), points, spoke, State(state), *rest)


async def queue(
    connection: DatabaseConnection, visibility: Visibility, state: State, *, limit: int, after: int = 0
) -> list[Waiting]:
    """Return pairs that wait and exist for the caller, the surest first; `after` so many."""
    values = {"state": int(state), "count": limit, "after": after, **visibility.values}
    return [_made(row) for row in await connection.fetch(_waiting(visibility, 1), values)]


async def length(connection: DatabaseConnection, visibility: Visibility, state: State) -> int:
    """Return how many pairs wait that exist for the caller."""
    rows = await connection.fetch(_waiting(visibility, 0), {"state": int(state), **visibility.values})
    return int(rows[0][0])


async def pair(connection: DatabaseConnection, one: int, other: int) -> Waiting | None:
    """Return a pair, whatever its state; None when it was never in the queue."""
    first, second = ordered(one, other)
    rows = await connection.fetch(_GET, {"one": first, "other": second})
    return _made(rows[0]) if rows else None


async def pairs_of(connection: DatabaseConnection, patient_key: int) -> list[Waiting]:
    """Return all pairs of a Patient, whatever their state."""
    return [_made(row) for row in await connection.fetch(_OF_PATIENT, {"patient": patient_key})]


async def put(
    connection: DatabaseConnection, asked: Pair, grade: Grade, points: int, evidence: Iterable[Evidence], why: Why
) -> None:
    """Put a pair into the queue, or say anew what speaks for it; `why.reason` is why the index did not decide it."""
    first, second = ordered(*asked)
    await connection.execute(_REMOVE, {"k_one": first, "k_other": second})
    values = (
        first,
        second,
        int(grade),
        points,
        as_json(evidence),
        int(State.OPEN),
        why.at,
        why.at,
        why.actor,
        why.reason,
    )
    await connection.execute(_ADD, dict(zip((f"n_{name}" for name in _PLAIN), values, strict=True)))


async def settle(connection: DatabaseConnection, settled: Pair, state: State, why: Why) -> None:
    """Say what became of a pair; nothing happens when it is not in the queue."""
    first, second = ordered(*settled)
    values = {"n_state": int(state), "n_changed": why.at, "n_actor": why.actor, "n_reason": why.reason}
    await connection.execute(_SETTLE, {"k_one": first, "k_other": second, **values})


async def settle_linked(connection: DatabaseConnection, moved: Sequence[int], person: int, why: Why) -> None:
    """Settle the pairs that became one person's by a link that moved some Patients there."""
    keys = {int(key) for (key,) in await connection.fetch(_PERSON, {"person": person})}
    for key in moved:
        for one in await pairs_of(connection, key):
            if one.state in WAITING and one.grade > Grade.NO and {one.one, one.other} <= keys:
                await settle(connection, (one.one, one.other), State.LINKED, why)


async def between(connection: DatabaseConnection, some: Sequence[int], others: Sequence[int]) -> list[Waiting]:
    """Return the pairs that wait of one of `some` and one of `others`."""
    found = [one for key in some for one in await pairs_of(connection, key)]
    return [one for one in found if one.state in WAITING and (one.one in others or one.other in others)]
