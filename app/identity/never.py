"""Pairs of Patients that are known to be different persons: never linked by the index, nor by a person unawares."""

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, bindparam, delete, or_, select

from app.db import DatabaseConnection
from app.identity.history import Why
from app.identity.tables import identity_never

Pair = tuple[int, int]

_PATIENT = bindparam("patient", type_=BigInteger)
_OF_PATIENT = select(identity_never.c.one, identity_never.c.other).where(
    or_(identity_never.c.one == _PATIENT, identity_never.c.other == _PATIENT)
)
_FORGET = delete(identity_never).where(
    identity_never.c.one == bindparam("k_one", type_=BigInteger),
    identity_never.c.other == bindparam("k_other", type_=BigInteger),
)


def ordered(one: int, other: int) -> Pair:
    """Return a pair with the smaller key first, as tables have it."""
    return (one, other) if one < other else (other, one)


async def never(connection: DatabaseConnection, pairs: Iterable[Pair], why: Why) -> None:
    """Note that the Patients of each pair are different persons."""
    rows = [(*ordered(*pair), why.at, why.actor, why.reason) for pair in pairs]
    await connection.insert_missing(identity_never, rows)


async def allow(connection: DatabaseConnection, pairs: Iterable[Pair]) -> int:
    """Forget that the Patients of pairs are different persons; return how many pairs that were."""
    count = 0
    for one, other in pairs:
        first, second = ordered(one, other)
        count += await connection.execute(_FORGET, {"k_one": first, "k_other": second})
    return count


async def apart(connection: DatabaseConnection, some: Sequence[int], others: Sequence[int]) -> list[Pair]:
    """Return the pairs of one of `some` and one of `others` that are known to be different persons."""
    found: list[Pair] = []
    for patient in some:
        for one, other in await connection.fetch(_OF_PATIENT, {"patient": patient}):
            if (other if one == patient else one) in others:
                found.append((int(one), int(other)))
    return found
