"""Index rows of parameters that came later: added to resources that are there, and removed again.

No row is replaced: a number is given once, and what a version says under it never changes. The hub may write meanwhile;
rows that were added to a version which is no more the current one are never believed.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, Select, Table, bindparam, select

from fhir.search.extract import Index
from fhir.store.connection import Connection
from fhir.store.tables import INDEX_TABLES, index_text
from fhir.store.write import REMOVE, index_rows, removal

_TABLES = tuple(table for table in INDEX_TABLES if table is not index_text)


def _under(table: Table) -> Select[tuple[Any, ...]]:
    first, after = bindparam("first", type_=Integer), bindparam("after", type_=Integer)
    wanted = table.c.parameter >= first, table.c.parameter < after
    return select(table).where(*wanted).limit(bindparam("most", type_=Integer))


_UNDER = {table: _under(table) for table in _TABLES}


async def add_index(connection: Connection, found: Sequence[tuple[int, int, int, Index]]) -> None:
    """Add index rows to versions that lack them.

    Args:
        connection: Inside a write transaction.
        found: Patient key, row, version and the index values of each resource.
    """
    missing: dict[Table, list[tuple[Any, ...]]] = {}
    for key, row, version, index in found:
        for table, rows in index_rows(index, key, row, version).items():
            missing.setdefault(table, []).extend(rows)
    for table in _TABLES:
        if missing.get(table):
            # In one order, so that two transactions cannot wait for each other.
            await connection.insert_missing(table, sorted(missing[table]))


async def remove_index(connection: Connection, first: int, after: int, *, most: int) -> int:
    """Remove at most `most` index rows of each table under the numbers `[first, after)`; return how many.

    Args:
        connection: Inside a write transaction.
        first: The first number.
        after: The number after the last.
        most: The most rows of a table.
    """
    count = 0
    for table in _TABLES:
        rows = await connection.fetch(_UNDER[table], {"first": first, "after": after, "most": most})
        if rows:
            await connection.execute_many(REMOVE[table], [removal(table, tuple(row)) for row in rows])
        count += len(rows)
    return count
