"""Which blobs the database refers to: the rows of the table of blobs, and no others.

Whoever keeps a blob writes its row in the transaction of what refers to it; whoever takes the last reference away
removes the row in that transaction.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import bindparam, func, select

from app.blobs.store import Kept
from app.blobs.tables import blob
from app.db import DatabaseConnection

_BETWEEN = select(blob.c.digest).where(
    blob.c.custodian == bindparam("custodian"),
    blob.c.digest >= bindparam("first"),
    blob.c.digest <= bindparam("last"),
)
_TOTALS = (
    select(blob.c.custodian, func.count(), func.sum(blob.c.size)).group_by(blob.c.custodian).order_by(blob.c.custodian)
)


class Total(NamedTuple):
    """How much the database refers to of a custodian's blobs."""

    custodian: int
    blobs: int
    octets: int


async def referred(connection: DatabaseConnection, kept: Sequence[Kept]) -> set[str]:
    """Return the digests of those among `kept`, all of one custodian, that the database refers to.

    One range is read, since a page of a listing is about a page of the table.
    """
    if not kept:
        return set()
    digests = [one.digest for one in kept]
    values = {"custodian": kept[0].custodian, "first": min(digests), "last": max(digests)}
    return {digest for (digest,) in await connection.fetch(_BETWEEN, values)}.intersection(digests)


async def totals(connection: DatabaseConnection) -> list[Total]:
    """Return how much the database refers to, for each custodian that has a blob."""
    return [Total(custodian, blobs, int(octets)) for custodian, blobs, octets in await connection.fetch(_TOTALS, {})]
