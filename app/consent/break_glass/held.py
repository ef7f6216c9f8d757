"""The cases of break-glass that are open for a session or a token, and what a case says of who broke the glass."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, and_, bindparam, exists, func, select

from app.access.caller import OpenCase
from app.consent.break_glass.tables import break_glass, break_glass_site
from app.db import DatabaseConnection


def _is_open(holder: ColumnElement[bytes]) -> ColumnElement[bool]:
    return and_(
        break_glass.c.holder == holder,
        break_glass.c.ended == 0,
        break_glass.c.ends > bindparam("now", type_=BigInteger),
    )


_OPEN = (
    select(*(break_glass.c[name] for name in ("number", "holder", "patient_key", "patient", "begun", "ends")))
    .where(_is_open(bindparam("holder", type_=LargeBinary)))
    .order_by(break_glass.c.number)
)
_PERSON = select(break_glass.c.user, break_glass.c.user_title, break_glass.c.role).where(
    break_glass.c.number == bindparam("number", type_=BigInteger)
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


def has_open(holder: ColumnElement[bytes]) -> ColumnElement[bool]:
    """Return whether any case is open at the instant `now`, inside a statement that finds who holds it."""
    return exists().where(_is_open(holder)).correlate_except(break_glass)


def untold_at(organisation: ColumnElement[int]) -> ColumnElement[int]:
    """Return how many cases an organisation was told of that nobody there has looked at, inside a statement."""
    told = select(func.count()).where(break_glass_site.c.organisation == organisation, break_glass_site.c.seen == 0)
    return told.correlate_except(break_glass_site).scalar_subquery()
