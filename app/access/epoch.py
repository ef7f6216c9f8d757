"""The access epoch: a counter that grows with every change of rights.

A caller is kept in memory with the epoch it was found in, and every statement that discloses tests that the epoch is
still the same: a withdrawn right counts in every process at its next request, without a further round trip.
"""

from sqlalchemy import BigInteger, bindparam, select, update

from app.access.tables import epoch
from app.db import DatabaseConnection

ACCESS = "access"
PROCESS = "process"

CURRENT = select(epoch.c.value).where(epoch.c.name == ACCESS)
"""The statement of the current access epoch."""

_GROW = (
    update(epoch)
    .where(epoch.c.name == bindparam("epoch_name"))
    .values(value=epoch.c.value + 1)
    .returning(epoch.c.value)
)


async def current(connection: DatabaseConnection) -> int:
    """Return the access epoch."""
    rows = await connection.fetch(CURRENT, {})
    return int(rows[0][0]) if rows else 0


async def grow(connection: DatabaseConnection, name: str = ACCESS) -> int:
    """Count an epoch up, inside a write transaction, and return its new value."""
    rows = await connection.fetch(_GROW, {"epoch_name": name})
    if not rows:
        # Of two who are the first at once, the second finds it there.
        await connection.insert_missing(epoch, [(name, 0)])
        rows = await connection.fetch(_GROW, {"epoch_name": name})
    return int(rows[0][0])


_VALUE = select(epoch.c.value).where(epoch.c.name == bindparam("epoch_name"))
_SET = update(epoch).where(epoch.c.name == bindparam("epoch_name")).values(value=bindparam("n_value", type_=BigInteger))


async def value(connection: DatabaseConnection, name: str) -> int:
    """Return a counter; 0 when it has not begun."""
    rows = await connection.fetch(_VALUE, {"epoch_name": name})
    return int(rows[0][0]) if rows else 0


async def set_value(connection: DatabaseConnection, name: str, number: int) -> None:
    """Set a counter, inside a write transaction."""
    values = {"epoch_name": name, "n_value": number}
    if await connection.execute(_SET, values) == 0:
        await connection.insert_missing(epoch, [(name, number)])
        await connection.execute(_SET, values)
