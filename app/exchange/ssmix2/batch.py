"""A batch of files of one site: understood, written in few transactions, each file told what became of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from app.access.directory import organisations
from app.exchange.hl7v2.coding_systems import coding_systems
from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.document import understand_document
from app.exchange.ssmix2.filing import Filing, Outcome
from app.exchange.ssmix2.rounds import Round, rounds, slot_of
from app.exchange.ssmix2.understand import Refused, Understood, understand
from app.hub import Hub
from app.records.commit import committed
from app.records.request import FhirRequest
from app.uploads.check import Dangerous, check_body
from fhir.errors import FhirError, Forbidden

_DATA = b'"data":'
"""What a resource has that holds a file."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A file as it was sent."""

    path: str
    body: bytes = b""
    parts: tuple[tuple[str, bytes], ...] | None = None
    """The files of a content folder, each with its name, instead of `body`."""


async def source_of(hub: Hub, custodian: int) -> Source:
    """Return what messages do not say about their site.

    Raises:
        Forbidden: it is no medical institution, so that its numbers mean nothing.
    """
    for one in await organisations(hub.database.reader):
        if one.key == custodian and one.number:
            return Source(one.resource_id, one.number, coding_systems(hub.settings.coding_systems, one.slug))
    raise Forbidden("Only a site with an institution number has a store")


def _understood(one: Sent, source: Source) -> Understood | Refused:
    if one.parts is None:
        return understand(one.path, one.body, source)
    return understand_document(one.path, one.parts, source)


def _all_understood(sent: Sequence[Sent], source: Source) -> list[Understood | Refused]:
    return [_understood(one, source) for one in sent]


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
    understood = await asyncio.to_thread(_all_understood, sent, source)
    looked_at = [await _looked_at(request, one) for one in understood]
    outcomes: dict[str, Outcome] = {
        one.path: Outcome("refused", one.findings) for one in looked_at if isinstance(one, Refused)
    }
    good = {one.path: one for one in looked_at if isinstance(one, Understood)}
    awaited = [each for one in looked_at if isinstance(one, Refused) for each in slot_of(one.path)]
    for part in rounds(list(good.values()), awaited):
        outcomes |= await _write(request, part)
    return [outcomes[one.path] for one in sent]


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
        if len(part.files) == 1:
            (one,) = part.files
            told = Finding("", 0, 0, f"{error.expression}: {error.diagnostics}" if error.expression else str(error))
            return {one.path: Outcome("refused", (*one.findings, told))}
    else:
        return {one.path: outcome for one, outcome in zip(part.files, done, strict=True)}
    outcomes: dict[str, Outcome] = {}
    for one in part.files:
        outcomes |= await _write(request, Round((one,), part.followed))
    return outcomes
