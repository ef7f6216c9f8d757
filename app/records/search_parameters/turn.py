"""One process at a time indexes, and only after every writer knows what is to be indexed.

A turn ends by itself when its process was killed. A write holds a lock of its version of the set from before its first
statement; to wait for that of every older version is to wait for the writers that do not know the newest.
"""

from sqlalchemy import BigInteger, Integer, bindparam, func, select, update

from app.access import epoch
from app.db import WriteConnection
from app.hub import Hub
from app.records.search_parameters.kept import CLOCKS_APART, VERSION, Kept, all_kept
from app.records.search_parameters.known import lock_of
from app.records.search_parameters.tables import ACTIVE, INDEXING, search_parameter
from fhir.store.tables import resource

LASTS = 20_000_000
"""Microseconds after which a turn that nobody said to be at work in is taken by another process."""

_LOCK = 0x7370_7475
_UNTIL = "search parameters until"
_SETTLED = "search parameters settled"
"""The counter of the version of the set that every writer knows."""

_FIRST = select(func.min(resource.c.last_updated)).where(resource.c.type == bindparam("type", type_=Integer))
_BEGIN = (
    update(search_parameter)
    .where(search_parameter.c.number == bindparam("k_number", type_=Integer))
    .values(since=bindparam("n_since", type_=BigInteger), until=bindparam("n_until", type_=BigInteger))
)


class Lost(Exception):
    """Another process has the turn."""


class Turn:
    """The turn of this process; `until` is when it ends if nobody says otherwise."""

    def __init__(self, hub: Hub, until: int) -> None:
        self._hub = hub
        self._until = until

    async def keep(self, connection: WriteConnection) -> None:
        """Make sure of the turn for one transaction, and make it longer when that is due.

        Raises:
            Lost: another process has it.
        """
        await connection.lock(_LOCK)
        if await epoch.value(connection, _UNTIL) != self._until:
            raise Lost
        if self._until - self._hub.clock() < LASTS // 2:
            self._until = self._hub.clock() + LASTS
            await epoch.set_value(connection, _UNTIL, self._until)

    async def end(self) -> None:
        """Give the turn back; what another process has by now stays its own."""
        async with self._hub.database.write() as connection:
            await connection.lock(_LOCK)
            if await epoch.value(connection, _UNTIL) == self._until:
                await epoch.set_value(connection, _UNTIL, 0)


async def taken(hub: Hub) -> Turn | None:
    """Return a turn of this process; None while another has it."""
    async with hub.database.write() as connection:
        await connection.lock(_LOCK)
        now = hub.clock()
        if 0 < await epoch.value(connection, _UNTIL) - now <= LASTS:
            return None
        await epoch.set_value(connection, _UNTIL, now + LASTS)
    return Turn(hub, now + LASTS)


async def settle(hub: Hub) -> None:
    """Wait until every writer knows the parameters that are new, or gone, and let the work on them begin."""
    async with hub.database.write() as connection:
        # Read before the version: whatever is among these came with that version, or an older one.
        new = [one for one in await all_kept(connection) if one.state != ACTIVE and one.until == 0]
        if not new:
            return
        version = await epoch.value(connection, VERSION)
        for older in range(await epoch.value(connection, _SETTLED), version):
            await connection.lock(lock_of(older))
        await epoch.set_value(connection, _SETTLED, version)
        # What such a writer has written is in the past by now, be its clock a little fast.
        until = hub.clock() + CLOCKS_APART
        await connection.execute_many(_BEGIN, [await _begin(connection, one, until) for one in new])


async def _begin(connection: WriteConnection, one: Kept, until: int) -> dict[str, int]:
    ((first,),) = await connection.fetch(_FIRST, {"type": one.type})
    since = first if one.state == INDEXING and first is not None else until
    return {"k_number": one.number, "n_since": since, "n_until": until}
