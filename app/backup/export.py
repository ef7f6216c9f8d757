"""The rows of every table in the order of its primary key, in pages that fit into memory."""

from collections.abc import AsyncIterator, Sequence
from functools import lru_cache

from sqlalchemy import ColumnElement, LargeBinary, Select, Table, Text, bindparam, func, literal_column, select, tuple_

from app.db import DatabaseConnection
from app.db.schema import METADATA
from fhir.store.connection import Row

PAGE_ROWS = 4_096
"""The most rows of a page."""
PAGE_BYTES = 4 << 20
"""The most bytes of a page's texts and octets, unless a single row holds more."""


def tables() -> list[Table]:
    """Return every table of the hub, in the order of a backup."""
    return [table for metadata in METADATA for table in metadata.sorted_tables]


@lru_cache(maxsize=1_024)
def _page(table: Table, count: int, *, first: bool, sizes: bool) -> Select[tuple[object, ...]]:
    """Return the statement of the `count` rows after a key; with `sizes`, of their lengths alone.

    The count stands in the text: PostgreSQL plans a LIMIT it does not know for a tenth of the table, and sorts.
    """
    key = list(table.primary_key.columns)
    lengths: list[ColumnElement[int]] = [
        func.length(column) for column in table.columns if isinstance(column.type, (LargeBinary, Text))
    ]
    if sizes:
        total = lengths[0]
        for length in lengths[1:]:
            total = total + length
        statement: Select[tuple[object, ...]] = select(total)
    else:
        statement = select(*table.columns)
    statement = statement.order_by(*key).limit(literal_column(str(count)))
    if first:
        return statement
    after = [bindparam(f"after_{column.name}", type_=column.type) for column in key]
    return statement.where(key[0] > after[0] if len(key) == 1 else tuple_(*key) > tuple_(*after))


def _fits(lengths: Sequence[int]) -> list[int]:
    """Return the numbers of rows of the pages that rows of these lengths make, each a power of two."""
    counts, at = [], 0
    while at < len(lengths):
        count = 1
        while at + 2 * count <= len(lengths) and sum(lengths[at : at + 2 * count]) <= PAGE_BYTES:
            count *= 2
        counts.append(count)
        at += count
    return counts


async def pages(connection: DatabaseConnection, table: Table) -> AsyncIterator[Sequence[Row]]:
    """Return all rows of a table in pages, as seen by `connection`, which sees one instant.

    Lengths are read before the rows: a page of a thousand bodies may be a megabyte or ten gigabytes.
    """
    key = [(f"after_{column.name}", at) for at, column in enumerate(table.columns) if column.primary_key]
    sized = any(isinstance(column.type, (LargeBinary, Text)) for column in table.columns)
    after: dict[str, object] = {}
    counts = [PAGE_ROWS]
    while counts:
        if sized:
            ahead = await connection.fetch(_page(table, PAGE_ROWS, first=not after, sizes=True), after)
            counts = _fits([int(length or 0) for (length,) in ahead])
        for count in counts:
            rows = await connection.fetch(_page(table, count, first=not after, sizes=False), after)
            if not rows:
                return
            yield rows
            after = {name: rows[-1][at] for name, at in key}
