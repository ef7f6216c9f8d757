"""Which id a resource of a source has here: its own where the site may choose it, else one that the hub gave for good.

So an import that is done again finds what it wrote, and references among the lines lead where they led before.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, bindparam, select

from app.db import DatabaseConnection
from app.hub import Hub
from app.records.bulk_import.tables import import_id
from fhir.search.hashing import hash64

AT_ONCE = 64
"""Links that one statement looks up."""

_FIND = select(import_id.c.hash, import_id.c.row).where(
    import_id.c.custodian == bindparam("custodian", type_=Integer),
    import_id.c.hash.in_([bindparam(f"hash{number}", type_=BigInteger()) for number in range(AT_ONCE)]),
)


def _hash(source: str, link: str) -> int:
    return hash64(f"{source} {link}")


async def rows_of(
    connection: DatabaseConnection, custodian: int, source: str, links: Iterable[str]
) -> Mapping[str, int]:
    """Return the row numbers of those of the links, `Type/id` of the source, that were given one."""
    by_hash = {_hash(source, link): link for link in links}
    hashes, found = list(by_hash), dict[str, int]()
    for start in range(0, len(hashes), AT_ONCE):
        part = hashes[start : start + AT_ONCE]
        padded = [*part, *[part[0]] * (AT_ONCE - len(part))]
        values: dict[str, Any] = {f"hash{number}": one for number, one in enumerate(padded)}
        for hashed, row in await connection.fetch(_FIND, {**values, "custodian": custodian}):
            found[by_hash[hashed]] = row
    return found


async def give(hub: Hub, custodian: int, source: str, links: Iterable[str]) -> None:
    """Give a row number to each link that has none; one that another import gives at the same time stays."""
    rows = [(custodian, _hash(source, link), hub.new_row()) for link in dict.fromkeys(links)]
    if rows:
        async with hub.database.write() as connection:
            await connection.insert_missing(import_id, rows)
