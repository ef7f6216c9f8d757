"""Sealed records as the database has them: those behind a place in the tree, and those of given numbers."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import BigInteger, Integer, Select, bindparam, select

from app.audit.tables import audit_leaf, audit_record
from app.db import DatabaseConnection
from app.db.padded import padded, parameters

NEXT = (
    select(audit_leaf.c.leaf, audit_record.c.row, audit_record.c.record)
    .join(audit_record, audit_record.c.row == audit_leaf.c.row)
    .where(audit_leaf.c.leaf >= bindparam("leaf", type_=BigInteger))
    .order_by(audit_leaf.c.leaf)
    .limit(bindparam("limit", type_=Integer))
)
"""Place, number and bytes of the records from a place on; what retention has removed is not among them."""


@lru_cache(maxsize=16)
def _records(count: int) -> Select[tuple[int, bytes]]:
    rows = parameters("row", count, BigInteger)
    return select(audit_record.c.row, audit_record.c.record).where(audit_record.c.row.in_(rows))


async def records_of(connection: DatabaseConnection, rows: Sequence[int]) -> list[tuple[int, bytes]]:
    """Return number and bytes of the records with these numbers; those that are gone are missing."""
    if not rows:
        return []
    values = padded("row", rows)
    return [(int(row), bytes(record)) for row, record in await connection.fetch(_records(len(values)), values)]
