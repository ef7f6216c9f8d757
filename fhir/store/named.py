"""Reading several resources by their names at once, under a visibility."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, Select, and_, bindparam, select

from fhir.search.hashing import hash64
from fhir.store.connection import Connection, Visibility
from fhir.store.in_order import by_hash, in_order
from fhir.store.read import COLUMNS, stored
from fhir.store.statements import by_shape
from fhir.store.stored import Stored
from fhir.store.tables import CURRENT_VERSION, resource, resource_id, resource_version
from fhir.store.walk import HASHES


@by_shape
def _named(visibility: Visibility) -> Select[tuple[object, ...]]:
    hashes = [bindparam(f"hash{number}", type_=BigInteger()) for number in range(HASHES)]
    return (
        select(*COLUMNS)
        .select_from(in_order(by_hash(resource), resource_version, CURRENT_VERSION))
        .where(and_(resource_id.c.hash.in_(hashes), resource.c.deleted == 0, visibility.condition(resource)))
    )


async def read_named(connection: Connection, visibility: Visibility, names: Sequence[tuple[str, str]]) -> list[Stored]:
    """Return the current versions of resources, by type and id, that exist for the caller and are not deleted.

    They come in the order of the names, without those that do not exist.

    Args:
        connection: Where to read.
        visibility: What exists.
        names: Which; `HASHES` of them are read at once.
    """
    by_name: dict[tuple[str, str], Stored] = {}
    for start in range(0, len(names), HASHES):
        hashes = [hash64(f"{type_name}/{id_}") for type_name, id_ in names[start : start + HASHES]]
        padded = [*hashes, *[hashes[0]] * (HASHES - len(hashes))]
        values = {**visibility.values, **{f"hash{number}": one for number, one in enumerate(padded)}}
        found = [stored(row) for row in await connection.fetch(_named(visibility), values)]
        by_name |= {(one.type, one.id): one for one in found}
    return [by_name[name] for name in names if name in by_name]
