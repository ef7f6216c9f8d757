"""Entries as those see them who are responsible, who entered them, and who heads their site."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Integer, Text, and_, bindparam, or_, select

from app.access.caller import Caller
from app.db import DatabaseConnection
from app.entries.entry import Entry
from app.entries.tables import WAITS, entry

MOST = 200
"""Entries of one list."""

EVERY_ENTRY = frozenset({"auditor"})
"""Roles that see the entries of all sites."""

_seen = or_(
    bindparam("every", type_=Integer) == 1,
    entry.c.for_whom == bindparam("user", type_=Text),
    entry.c.by == bindparam("user", type_=Text),
    and_(
        bindparam("head", type_=Integer) == 1,
        entry.c.organisation == bindparam("organisation", type_=Integer),
    ),
)
_LIST = (
    select(entry)
    .where(_seen, or_(bindparam("all", type_=Integer) == 1, entry.c.state == WAITS))
    .order_by(entry.c.number.desc())
    .limit(MOST)
)
_ONE = select(entry).where(_seen, entry.c.number == bindparam("number", type_=BigInteger))


def _of(caller: Caller) -> dict[str, int | str]:
    return {
        "every": int(caller.role in EVERY_ENTRY),
        "user": caller.user,
        "head": int(caller.head),
        "organisation": caller.organisation,
    }


async def listed(connection: DatabaseConnection, caller: Caller, *, every: bool) -> Sequence[Entry]:
    """Return the newest entries that a person sees.

    Args:
        connection: Where to read.
        caller: The person.
        every: Whether those too that do not wait.
    """
    return [Entry(*row) for row in await connection.fetch(_LIST, _of(caller) | {"all": int(every)})]


async def found(connection: DatabaseConnection, caller: Caller, number: int) -> Entry | None:
    """Return an entry that a person sees."""
    rows = await connection.fetch(_ONE, _of(caller) | {"number": number})
    return Entry(*rows[0]) if rows else None
