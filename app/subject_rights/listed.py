"""Patients' requests as the secretariat and the auditor see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, Text, bindparam, or_, select

from app.db import DatabaseConnection
from app.subject_rights.case import WAITING, Case
from app.subject_rights.tables import rights_act, rights_case

MOST = 500
"""Cases that a page shows; a file has all."""

EVERY_CASE = 2**31 - 1

_waits = rights_case.c.state.in_([bindparam(f"s{number}", state, type_=Text) for number, state in enumerate(WAITING)])
_LIST = (
    select(rights_case)
    .where(
        rights_case.c.received >= bindparam("begins", type_=BigInteger),
        rights_case.c.received < bindparam("ends", type_=BigInteger),
        or_(bindparam("every", type_=Integer) == 1, _waits),
    )
    .order_by(rights_case.c.closed != 0, rights_case.c.due, rights_case.c.number)
    .limit(bindparam("most", type_=Integer))
)
_ONE = select(rights_case).where(rights_case.c.number == bindparam("number", type_=BigInteger))
_ACTS = (
    select(*(rights_act.c[name] for name in ("turn", "at", "act", "text", "by", "by_title")))
    .where(rights_act.c.number == bindparam("number", type_=BigInteger))
    .order_by(rights_act.c.turn)
)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that was done in a case."""

    turn: int
    at: int
    act: str
    text: str
    by: str
    by_title: str


async def listed(
    connection: DatabaseConnection, *, begins: int, ends: int, every: bool, most: int = EVERY_CASE
) -> Sequence[Case]:
    """Return the cases that were received in a period: what waits first, by the day on which it is due.

    Args:
        connection: Where to read.
        begins: Microseconds since 1970 UTC.
        ends: Microseconds since 1970 UTC; outside.
        every: Whether the closed ones too.
        most: How many at most.
    """
    values = {"begins": begins, "ends": ends, "every": int(every), "most": most}
    return [Case(*row) for row in await connection.fetch(_LIST, values)]


async def found(connection: DatabaseConnection, number: int) -> Case | None:
    """Return a case by its number."""
    rows = await connection.fetch(_ONE, {"number": number})
    return Case(*rows[0]) if rows else None


async def history(connection: DatabaseConnection, number: int) -> Sequence[Act]:
    """Return what was done in a case, the oldest first."""
    return [Act(*row) for row in await connection.fetch(_ACTS, {"number": number})]
