"""A batch of files of one site: understood, written in few transactions, each file told what became of it."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool

from app.access.directory import organisations
from app.audit.batch import AuditUnavailable
from app.db import DatabaseUnavailable
from app.exchange.hl7v2.coding_systems import coding_systems
from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.filing import Filing, Outcome
from app.exchange.ssmix2.rounds import Round, rounds, slot_of
from app.exchange.ssmix2.sent import Sent, understand_all
from app.exchange.ssmix2.understand import Refused, Understood
from app.hub import Hub
from app.records.commit import committed
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.uploads.check import Dangerous, check_body
from fhir.errors import FhirError, Forbidden

logger = logging.getLogger(__name__)

CHUNK_FILES = 150
"""From so many files on a part of a batch is understood by itself, while the part before it is written."""

_DATA = b'"data":'
"""What a resource has that holds a file."""


async def source_of(hub: Hub, custodian: int) -> Source:
    """Return what messages do not say about their site.

    Raises:
        Forbidden: it is no medical institution, so that its numbers mean nothing.
    """
    for one in await organisations(hub.database.reader):
        if one.key == custodian and one.number:
            return Source(one.resource_id, one.number, coding_systems(hub.settings.coding_systems, one.slug))
    raise Forbidden("Only a site with an institution number has a store")


async def store(request: FhirRequest, source: Source, sent: Sequence[Sent]) -> list[Outcome]:
    """Store files and return what became of each, in their order.

    Args:
        request: On whose behalf: the site's own system.
        source: The site.
        sent: The files; those of a patient in their order.

    Raises:
        StaleCaller: the rights of callers have changed; what was not written yet is written when this is done again.
        DatabaseUnavailable: the same.
    """
    told: dict[str, Outcome] = {}
    parts = chunks(sent)
    coming = [_begin(request.hub, part, source, alone=len(parts) == 1) for part in parts]
    try:
        for each in coming:
            told |= await _store(request, await each)
    except BrokenProcessPool as error:
        raise DatabaseUnavailable("The process that reads messages has ended") from error
    finally:
        for each in coming:
            each.cancel()
    return [told[one.path] for one in sent]


def chunks(sent: Sequence[Sent]) -> list[Sequence[Sent]]:
    """Return files in parts that are understood one after the other; none parts the files of a patient."""
    found: list[Sequence[Sent]] = []
    start = 0
    for number, one in enumerate(sent):
        if number - start >= CHUNK_FILES and one.patient != sent[number - 1].patient:
            found.append(sent[start:number])
            start = number
    return [*found, sent[start:]]


def _begin(
    hub: Hub, part: Sequence[Sent], source: Source, *, alone: bool
) -> asyncio.Future[list[Understood | Refused]]:
    """Begin to understand files: many in a process beside the hub's, which goes on writing those before meanwhile."""
    if alone and len(part) < CHUNK_FILES:
        return asyncio.ensure_future(asyncio.to_thread(understand_all, part, source))
    return hub.beside.start(understand_all, part, source)


async def _store(request: FhirRequest, understood: Sequence[Understood | Refused]) -> dict[str, Outcome]:
    """Store files that were understood, and return what became of each by its path."""
    looked_at = [await _looked_at(request, one) for one in understood]
    outcomes: dict[str, Outcome] = {
        one.path: Outcome("refused", one.findings) for one in looked_at if isinstance(one, Refused)
    }
    good = {one.path: one for one in looked_at if isinstance(one, Understood)}
    awaited = [each for one in looked_at if isinstance(one, Refused) for each in slot_of(one.path)]
    for part in rounds(list(good.values()), awaited):
        outcomes |= await _write(request, part)
    return outcomes


async def _looked_at(request: FhirRequest, one: Understood | Refused) -> Understood | Refused:
    """Return a file that holds no dangerous one, or why it is refused."""
    try:
        for piece in one.pieces if isinstance(one, Understood) else ():
            if _DATA in piece.body:
                await check_body(request, piece.body)
    except Dangerous as error:
        return Refused(one.path, (*one.findings, Finding("", 0, 0, str(error))))
    return one


async def _write(request: FhirRequest, part: Round) -> dict[str, Outcome]:
    """Write files in one transaction; where one of them cannot be written, each in its own."""
    try:
        done = await committed(request, Filing(part).work)
    except FhirError as error:
        reason = f"{error.expression}: {error.diagnostics}" if error.expression else str(error)
    except (StaleCaller, DatabaseUnavailable, AuditUnavailable):
        raise
    except Exception as error:
        # A fault of ours, or what the database cannot hold: nothing of it was written, and it stops no other file.
        logger.exception("Files cannot be stored")
        reason = f"the hub failed at this file: {type(error).__name__}"
    else:
        return {one.path: outcome for one, outcome in zip(part.files, done, strict=True)}
    if len(part.files) == 1:
        (one,) = part.files
        return {one.path: Outcome("refused", (*one.findings, Finding("", 0, 0, reason)))}
    outcomes: dict[str, Outcome] = {}
    for one in part.files:
        outcomes |= await _write(request, Round((one,), part.followed))
    return outcomes
