"""Searches by what is not indexed: the stored DICOM JSON is asked, of as many instances as one search may read.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.4.html
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import BigInteger, Select, and_, bindparam, or_, select

from dicom.attributes import BY_KEYWORD, Level
from dicom.matching import Condition, Query
from dicom.model_matching import meets
from dicom.results import Found, told
from dicom.store.connection import Connection, Visibility
from dicom.store.statements import statement
from dicom.store.tables import dicom_instance

MOST_SCANNED = 5_000
"""Instances whose DICOM JSON one search reads."""
READ_AT_ONCE = 64
"""Of them; as many rows are named in one statement."""
READ_BYTES = 4 * 1024 * 1024
"""Of DICOM JSON that is held at a time; a single one may be larger."""
_UIDS = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.INSTANCE: "SOPInstanceUID"}
_UID_AT = {Level.STUDY: 0, Level.SERIES: 1, Level.INSTANCE: 2}

Key = tuple[int, int, str]
"""Patient, custodian and UID: what tells a result of a level from the others."""
Search = Callable[[Connection, Visibility, Query], Awaitable[list[Found]]]
Listed = Callable[[Connection, Visibility, Query], Awaitable[Sequence[Sequence[Any]]]]
"""Returns patient_key, id, custodian, bytes of the DICOM JSON, and the three UIDs of instances."""


class TooBroad(Exception):
    """A search by what is not indexed would have to read too many instances (status 413)."""


def _key(level: Level, one: Found) -> Key:
    uid = one.study.study_instance_uid
    if level is Level.SERIES and one.series is not None:
        uid = one.series.series_instance_uid
    if level is Level.INSTANCE and one.instance is not None:
        uid = one.instance.sop_instance_uid
    return one.patient_key, one.custodian, uid


async def met(connection: Connection, visibility: Visibility, query: Query, listed: Listed, *, most: int) -> list[Key]:
    """Return the keys of the results of a search by what is not indexed, in their order.

    Args:
        connection: Where to look.
        visibility: Bounds every table the search touches.
        query: The search.
        listed: Lists the instances that meet its other conditions.
        most: How many results are looked for; no more headers are read then.

    Raises:
        TooBroad: more than MOST_SCANNED instances meet its other conditions.
    """
    within = replace(query, level=Level.INSTANCE, unindexed=(), limit=MOST_SCANNED + 1, offset=0)
    rows = await listed(connection, visibility, within)
    if len(rows) > MOST_SCANNED:
        raise TooBroad(f"More than {MOST_SCANNED} instances would have to be read; narrow the search")
    found: dict[Key, None] = {}
    for group in _groups(rows):
        wanted = [row for row in group if _of(query.level, row) not in found]
        models = await _models(connection, visibility, wanted) if wanted else {}
        for row in wanted:
            model = models.get((row[0], row[1]))
            if model is not None and meets(orjson.loads(model), query.unindexed):
                found[_of(query.level, row)] = None
            if len(found) >= most:
                return list(found)
        # Whoever else is served meanwhile does not wait for thousands of headers.
        await asyncio.sleep(0)
    return list(found)


def _of(level: Level, row: Sequence[Any]) -> Key:
    return row[0], row[2], row[4 + _UID_AT[level]]


def _groups(rows: Sequence[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """Yield rows in groups whose DICOM JSON may be held together."""
    group: list[Sequence[Any]] = []
    size = 0
    for row in rows:
        if group and (len(group) >= READ_AT_ONCE or size + row[3] > READ_BYTES):
            yield group
            group, size = [], 0
        group.append(row)
        size += row[3]
    if group:
        yield group


async def _models(
    connection: Connection, visibility: Visibility, rows: Sequence[Sequence[Any]]
) -> dict[tuple[int, int], bytes]:
    """Return the DICOM JSON of instances, by patient and row."""
    length = 1 << (len(rows) - 1).bit_length()

    def build() -> Select[Any]:
        table = dicom_instance
        named = [
            and_(
                table.c.patient_key == bindparam(f"p{number}", type_=BigInteger),
                table.c.id == bindparam(f"i{number}", type_=BigInteger),
            )
            for number in range(length)
        ]
        return select(table.c.patient_key, table.c.id, table.c.model).where(or_(*named), visibility.condition(table))

    padded = [*rows, *[rows[-1]] * (length - len(rows))]
    binds = {name: value for n, row in enumerate(padded) for name, value in ((f"p{n}", row[0]), (f"i{n}", row[1]))}
    read = statement(("models", length, visibility.shape), build)
    return {(row[0], row[1]): bytes(row[2]) for row in await connection.fetch(read, {**visibility.values, **binds})}


async def named(
    connection: Connection, visibility: Visibility, query: Query, keys: Sequence[Key], search: Search
) -> list[Found]:
    """Return the results of a search that have these keys, in their order.

    Args:
        connection: Where to look.
        visibility: Bounds every table the search touches.
        query: The search.
        keys: What `met` returned, or a part of it.
        search: Carries out a search by what is indexed.
    """
    own = BY_KEYWORD[_UIDS[query.level]]
    others = tuple(one for one in query.conditions if one.attribute != own)
    found: dict[Key, Found] = {}
    for start in range(0, len(keys), READ_AT_ONCE):
        uids = tuple(dict.fromkeys(uid for _, _, uid in keys[start : start + READ_AT_ONCE]))
        # A disc that several sites keep gives several results for each UID.
        asked = replace(
            query, unindexed=(), conditions=(*others, Condition(own, "any", uids)), limit=MOST_SCANNED, offset=0
        )
        for one in await search(connection, visibility, asked):
            # A page of whole headers would not be small.
            found[_key(query.level, one)] = replace(one, model=told(query, one.model))
    return [found[key] for key in keys if key in found]
