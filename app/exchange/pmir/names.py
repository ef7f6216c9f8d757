"""What a site's feed calls its Patients, and which of the hub's they are.

A source has ids of its own; the hub gives ids itself. What a source once called something is kept, for that site alone.
"""

from collections.abc import Iterable

from sqlalchemy import BigInteger, Integer, SmallInteger, bindparam, delete, select

from app.db import DatabaseConnection
from app.exchange.tables import feed_name
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.tables import resource, resource_id
from fhir.store.types import NUMBERS

_CUSTODIAN = bindparam("custodian", type_=Integer)
_OWN = (
    select(resource.c.id)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id"),
        resource.c.custodian == _CUSTODIAN,
    )
)
_NAMED = select(feed_name.c.id).where(feed_name.c.custodian == _CUSTODIAN, feed_name.c.name == bindparam("name"))
_FORGET = delete(feed_name).where(
    feed_name.c.custodian == bindparam("k_custodian", type_=Integer), feed_name.c.name == bindparam("k_name")
)


async def _is_own(connection: DatabaseConnection, name: str, custodian: int) -> bool:
    type_name, _, id_ = name.partition("/")
    values = {"hash": hash64(name), "type": NUMBERS[type_name], "id": id_, "custodian": custodian}
    return bool(await connection.fetch(_OWN, values))


async def id_of(connection: DatabaseConnection, name: str, custodian: int) -> str | None:
    """Return the id here of what a custodian calls `Type/id`: its own id, or one of its feed; None when unknown."""
    if await _is_own(connection, name, custodian):
        return name.partition("/")[2]
    rows = await connection.fetch(_NAMED, {"custodian": custodian, "name": name})
    return str(rows[0][0]) if rows else None


async def remember(connection: DatabaseConnection, custodian: int, names: Iterable[tuple[str, str]]) -> None:
    """Keep what a feed calls resources: pairs of `Type/id` and the id here."""
    new = {name: id_ for name, id_ in names if name.partition("/")[2] != id_}
    if new:
        await connection.execute_many(_FORGET, [{"k_custodian": custodian, "k_name": name} for name in new])
        await connection.insert(feed_name, [(custodian, name, id_) for name, id_ in new.items()])
