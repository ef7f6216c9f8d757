"""The cases of break-glass that are open for a session or a token, and what a case says of who broke the glass."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, LargeBinary, bindparam, func, select

from app.access.caller import OpenCase
from app.consent.break_glass.tables import break_glass, break_glass_site
from app.db import DatabaseConnection

_OPEN = (
    select(*(break_glass.c[name] for name in ("number", "holder", "patient_key", "patient", "begun", "ends")))
    .where(
        break_glass.c.holder == bindparam("holder", type_=LargeBinary),
        break_glass.c.ended == 0,
        break_glass.c.ends > bindparam("now", type_=BigInteger),
    )
    .order_by(break_glass.c.number)
)
_PERSON = select(break_glass.c.user, break_glass.c.user_title, break_glass.c.role).where(
    break_glass.c.number == bindparam("number", type_=BigInteger)
)
_UNTOLD = select(func.count()).where(
    break_glass_site.c.organisation == bindparam("organisation", type_=Integer), break_glass_site.c.seen == 0
)


@dataclass(frozen=True, slots=True)
class Named:
    """Who broke the glass."""

    user: str
    title: str
    role: str


async def open_cases(connection: DatabaseConnection, holder: bytes, now: int) -> tuple[OpenCase, ...]:
    """Return the cases that are open at the instant `now` for the session or token with this digest."""
    return tuple(OpenCase(*row) for row in await connection.fetch(_OPEN, {"holder": holder, "now": now}))


async def named(connection: DatabaseConnection, number: int) -> Named:
    """Return who broke the glass in a case."""
    return Named(*(await connection.fetch(_PERSON, {"number": number}))[0])


async def untold(connection: DatabaseConnection, organisation: int) -> int:
    """Return how many cases an organisation was told of that nobody there has looked at."""
    return int((await connection.fetch(_UNTOLD, {"organisation": organisation}))[0][0])
