"""From reference to stored: the bytes are fetched, proven, and kept as if their site had sent them.

What is kept is no reference any more, so an interrupted run goes on by being begun again. For the backup that survives
the site's own PACS.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.imaging.keep import Failure, Received, keep
from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.request import SourceRequest
from app.imaging.sources.source import Registered
from app.imaging.stored import stored
from app.records.writing import Writing
from dicom.store.refer import Reference, count_references, references, still_references

if TYPE_CHECKING:
    from app.hub import Hub

BATCH = 20
"""Instances that are kept in one transaction."""

MOST_IN_A_ROW = 20
"""Failures, after which a run ends: the source is not well."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Moved:
    """What a run has kept so far."""

    instances: int = 0
    octets: int = 0
    failed: int = 0
    """That could not be had, or are not what they were said to be: they stay references."""
    reviewed: int = 0
    """That name another patient than their study is of: they are kept until a person decides, and stay references."""
    left: int = 0
    """References to the source that there are still, of all studies."""


Tell = Callable[[Moved], None]


@dataclass(slots=True)
class _Kept:
    """What became of some references."""

    stored: Sequence[Received]
    gone: Sequence[Reference]
    """Deleted, or sent by their site, while they were fetched: that is left as it is."""
    reviewed: Sequence[Received] = ()


async def keep_here(hub: "Hub", registered: Registered, *, study: str = "", tell: Tell | None = None) -> Moved:
    """Keep the instances of a source here from now on.

    Args:
        hub: The running hub.
        registered: The source.
        study: A StudyInstanceUID; everything when empty.
        tell: Is told after each transaction.
    """
    key, after = registered.source.key, (-1, -1)
    moved, in_a_row = Moved(), 0
    while some := await references(hub.database.reader, key, after=after, limit=BATCH, study=study):
        after = some[-1].patient_key, some[-1].id
        got = await _kept(hub, registered, some)
        failed = len(some) - len(got.stored) - len(got.gone) - len(got.reviewed)
        moved = replace(
            moved,
            instances=moved.instances + len(got.stored),
            octets=moved.octets + sum(one.size for one in got.stored),
            failed=moved.failed + failed,
            reviewed=moved.reviewed + len(got.reviewed),
        )
        in_a_row = in_a_row + failed if failed == len(some) else 0
        if tell is not None:
            tell(moved)
        if in_a_row >= MOST_IN_A_ROW:
            break
    return replace(moved, left=await count_references(hub.database.reader, key))


async def _kept(hub: "Hub", registered: Registered, some: Sequence[Reference]) -> _Kept:
    """Fetch some instances, some at once, and store in one transaction those that are references still."""
    turns = asyncio.Semaphore(registered.source.at_once)

    async def one(row: Reference) -> Received | None:
        async with turns:
            return await _fetched(hub, registered, row)

    fetched = await asyncio.gather(*map(one, some))
    rows = {got.sop_instance_uid: row for got, row in zip(fetched, some, strict=True) if got is not None}
    kept = _Kept([], [])

    async def still(writing: Writing, received: list[Received]) -> list[Received]:
        there = await still_references(writing.connection, list(rows.values()))
        kept.gone = [row for row in rows.values() if row not in there]
        return [got for got in received if rows[got.sop_instance_uid] in there]

    if not rows:
        return kept
    request = SourceRequest(hub, registered, "source-store")
    filed = await stored(request, [got for got in fetched if got is not None], more_to_come=True, still=still)
    for refused in filed.failures:
        logger.warning("An instance of %s is not kept: %s", registered.source.name, refused.reason)
    kept.stored, kept.reviewed = filed.stored, filed.reviewed
    await hub.held.forget([*kept.gone, *(rows[got.sop_instance_uid] for got in kept.stored)])
    return kept


async def _fetched(hub: "Hub", registered: Registered, row: Reference) -> Received | None:
    incoming = hub.blobs.incoming()
    try:
        await hub.held.fetch(registered.source, row, incoming)
        found = await keep(hub, row.custodian, incoming)
        if isinstance(found, Failure):
            logger.warning("An instance of %s is not kept: %s", registered.source.name, found.reason)
            return None
        return found
    except SourceFailed as error:
        logger.warning("An instance is not kept: %s", error)
        return None
    finally:
        incoming.discard()
