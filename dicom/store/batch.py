"""Many instances of one custodian stored together: what is known is read ahead, what is new is written at the end.

`dicom.store.write.store_instance` asks three questions and inserts a row, for each instance. Over a `Batch` the same
code costs a statement for each table.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, FromClause, Select, bindparam, select
from sqlalchemy.sql import ClauseElement

from dicom.indexing import Facts
from dicom.store.connection import Connection
from dicom.store.write import LOOKUPS, REVISIONS

MOST_NOTED = 500
"""Rows that wait to be inserted: each holds a header."""
MOST_UIDS = 256
"""Of one question; lists are filled up to a power of two, so that few statements serve all lengths."""

_statements: dict[tuple[str, int], Select[*tuple[Any, ...]]] = {}


class Batch:
    """A connection in a write transaction, for `store_instance` and one custodian.

    Args:
        connection: The connection.
        custodian: Whose instances are stored.
    """

    def __init__(self, connection: Connection, custodian: int) -> None:
        self._connection = connection
        self._custodian = custodian
        self._known: dict[int, dict[str, list[tuple[Any, ...]]]] = {}
        self._new: dict[int, list[Mapping[str, Any]]] = {id(insert): [] for _, insert in LOOKUPS.values()}

    async def read_ahead(self, facts: Iterable[Facts]) -> None:
        """Learn what is there of these instances, their series and studies."""
        found = list(facts)
        uids = {
            "study_instance_uid": {one.study.study_instance_uid for one in found},
            "series_instance_uid": {one.series.series_instance_uid for one in found},
            "sop_instance_uid": {one.instance.sop_instance_uid for one in found},
        }
        for name, (lookup, _) in LOOKUPS.items():
            known: dict[str, list[tuple[Any, ...]]] = {uid: [] for uid in uids[name]}
            for uid, *row in await _rows(self._connection, self._custodian, name, sorted(known)):
                known[uid].append(tuple(row))
            self._known[id(lookup)] = known

    async def fetch(self, statement: ClauseElement, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Return what was read ahead, or ask."""
        known = self._known.get(id(statement))
        if known is None or values["custodian"] != self._custodian:
            return await self._connection.fetch(statement, values)
        if values["uid"] not in known:
            known[values["uid"]] = [tuple(row) for row in await self._connection.fetch(statement, values)]
        return known[values["uid"]]

    async def execute(self, statement: ClauseElement, values: Mapping[str, Any]) -> int:
        """Note an insert for later; run anything else, after what was noted."""
        for name, (lookup, insert) in LOOKUPS.items():
            if insert is statement:
                self._new[id(insert)].append(values)
                row = tuple(values[column.name] for column in lookup.selected_columns)
                self._known[id(lookup)][values[name]] = [row]
                if len(self._new[id(insert)]) >= MOST_NOTED:
                    await self.flush()
                return 1
        await self.flush()
        for name, revision in REVISIONS.items():
            if revision is statement:
                lookup, _ = LOOKUPS[name]
                self._known.get(id(lookup), {}).pop(values["k_uid"], None)
                return await self._connection.execute(statement, values)
        # An instance that was there is changed: what was read of it, and perhaps of others, is not so any more.
        lookup, _ = LOOKUPS["sop_instance_uid"]
        self._known.get(id(lookup), {}).clear()
        return await self._connection.execute(statement, values)

    async def execute_many(self, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement once for each mapping, after what was noted."""
        await self.flush()
        await self._connection.execute_many(statement, rows)

    async def flush(self) -> None:
        """Insert what was noted."""
        for _, insert in LOOKUPS.values():
            rows, self._new[id(insert)] = self._new[id(insert)], []
            if rows:
                await self._connection.execute_many(insert, rows)


async def stored_digests(connection: Connection, custodian: int, uids: Sequence[str]) -> dict[str, str]:
    """Return the digests of the bytes that a custodian has of some instances, by their UIDs; of references none."""
    lookup, _ = LOOKUPS["sop_instance_uid"]
    names = [column.name for column in lookup.selected_columns]
    found = {}
    for uid, *row in await _rows(connection, custodian, "sop_instance_uid", uids):
        if row[names.index("source")] is None:
            found[uid] = str(row[names.index("digest")])
    return found


async def _rows(connection: Connection, custodian: int, name: str, uids: Sequence[str]) -> list[Sequence[Any]]:
    """Return UID and looked-up columns of what a custodian has of a list of UIDs."""
    found: list[Sequence[Any]] = []
    for start in range(0, len(uids), MOST_UIDS):
        some = uids[start : start + MOST_UIDS]
        count = 1 << (len(some) - 1).bit_length()
        values = {f"uid{number}": some[min(number, len(some) - 1)] for number in range(count)}
        found += await connection.fetch(_statement(name, count), {"custodian": custodian, **values})
    return found


def _statement(name: str, count: int) -> Select[*tuple[Any, ...]]:
    made = _statements.get((name, count))
    if made is None:
        lookup, _ = LOOKUPS[name]
        columns = list(lookup.selected_columns)
        table: FromClause = columns[0].table
        binds: list[BindParameter[Any]] = [bindparam(f"uid{number}") for number in range(count)]
        made = select(table.c[name], *columns).where(
            table.c[name].in_(binds), table.c.custodian == bindparam("custodian")
        )
        _statements[name, count] = made
    return made
