"""Making index rows again, a batch a transaction, from where an interrupted run stopped."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import BigInteger, Integer, SmallInteger, bindparam, select

from app.access import epoch
from app.hub import Hub
from fhir.resource import parse
from fhir.search.extract import extract
from fhir.store.read import CURRENT_VERSION
from fhir.store.reindex import replace_index
from fhir.store.tables import resource, resource_version
from fhir.store.types import NUMBERS

BATCH = 500

_BATCH = (
    select(resource.c.patient_key, resource.c.row, resource.c.version, resource_version.c.body)
    .join(
        resource_version,
        CURRENT_VERSION,
    )
    .where(
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.deleted == 0,
        resource.c.row > bindparam("after", type_=BigInteger),
    )
    .order_by(resource.c.row)
    .limit(bindparam("count", type_=Integer))
)


def _mark(type_name: str) -> str:
    return f"reindex {type_name}"


async def reindex_types(hub: Hub, types: Sequence[str], *, again: bool) -> AsyncIterator[tuple[str, int]]:
    """Make the index rows of `types` again and yield the type and the size of each batch that is done.

    Where a run stopped is kept in the database, in the same transaction as the batch.
    """
    address = hub.settings.address + "/fhir"
    for type_name in types:
        after = 0 if again else await epoch.value(hub.database.reader, _mark(type_name))
        while True:
            async with hub.database.write() as connection:
                values = {"type": NUMBERS[type_name], "after": after, "count": BATCH}
                rows = await connection.fetch(_BATCH, values)
                found = [
                    (key, row, version, extract(parse(bytes(body)), base_url=address))
                    for key, row, version, body in rows
                ]
                await replace_index(connection, found, NUMBERS[type_name])
                after = rows[-1][1] if rows else 0
                await epoch.set_value(connection, _mark(type_name), after)
            if not rows:
                break
            yield type_name, len(rows)
