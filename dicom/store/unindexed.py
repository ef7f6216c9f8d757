"""Searches by what is not indexed: the stored DICOM JSON is asked, of as many instances as one search may read.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.4.html
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import orjson

from dicom.attributes import BY_KEYWORD, Level
from dicom.matching import MAX_VALUES, Condition, Query
from dicom.model_matching import meets
from dicom.results import Found
from dicom.store.connection import Connection, Visibility

MOST_SCANNED = 5_000
"""Instances whose DICOM JSON one search reads."""
SCANNED_AT_ONCE = 500
_UIDS = {Level.STUDY: "StudyInstanceUID", Level.SERIES: "SeriesInstanceUID", Level.INSTANCE: "SOPInstanceUID"}

Search = Callable[[Connection, Visibility, Query], Awaitable[list[Found]]]


class TooBroad(Exception):
    """A search by what is not indexed would have to read too many instances (status 413)."""


def _key(level: Level, one: Found) -> tuple[int, int, str]:
    """Return what tells a result of a level from the others."""
    uid = one.study.study_instance_uid
    if level is Level.SERIES and one.series is not None:
        uid = one.series.series_instance_uid
    if level is Level.INSTANCE and one.instance is not None:
        uid = one.instance.sop_instance_uid
    return one.patient_key, one.custodian, uid


async def met(
    connection: Connection, visibility: Visibility, query: Query, search: Search
) -> list[tuple[int, int, str]]:
    """Return the keys of all results of a search by what is not indexed, in their order.

    Args:
        connection: Where to look.
        visibility: Bounds every table the search touches.
        query: The search.
        search: Carries out a search by what is indexed.

    Raises:
        TooBroad: more than MOST_SCANNED instances meet its other conditions.
    """
    within = replace(query, level=Level.INSTANCE, unindexed=(), include_all=True, limit=SCANNED_AT_ONCE)
    met: dict[tuple[int, int, str], None] = {}
    for offset in range(0, MOST_SCANNED + 1, SCANNED_AT_ONCE):
        page = await search(connection, visibility, replace(within, offset=offset))
        if offset >= MOST_SCANNED and page:
            raise TooBroad(f"More than {MOST_SCANNED} instances would have to be read; narrow the search")
        for one in page:
            if one.model is not None and meets(orjson.loads(one.model), query.unindexed):
                met[_key(query.level, one)] = None
        if len(page) < SCANNED_AT_ONCE:
            break
    return list(met)


async def scanned(connection: Connection, visibility: Visibility, query: Query, search: Search) -> list[Found]:
    """Return one page of a search by what is not indexed.

    Raises:
        TooBroad: more than MOST_SCANNED instances meet its other conditions.
    """
    page = (await met(connection, visibility, query, search))[query.offset : query.offset + query.limit]
    own = BY_KEYWORD[_UIDS[query.level]]
    others = tuple(one for one in query.conditions if one.attribute != own)
    found: dict[tuple[int, int, str], Found] = {}
    for start in range(0, len(page), MAX_VALUES):
        uids = tuple(dict.fromkeys(uid for _, _, uid in page[start : start + MAX_VALUES]))
        # A disc that several sites keep gives several results for each UID.
        named = replace(
            query, unindexed=(), conditions=(*others, Condition(own, "any", uids)), limit=MOST_SCANNED, offset=0
        )
        found |= {_key(query.level, one): one for one in await search(connection, visibility, named)}
    return [found[key] for key in page if key in found]
