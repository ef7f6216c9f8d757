"""A batch that is carried out later: a write for each entry that writes; what only reads is kept as a question.

https://hl7.org/fhir/R4/http.html#transaction
"""

from app.db import DatabaseUnavailable
from app.doors import MOST_ATTEMPTS
from app.records.answer import answer
from app.records.batch import entry_answer, inner_request, refused
from app.records.interactions import find
from app.records.jobs.in_name import caller_of
from app.records.jobs.queue import LASTS
from app.records.later.answers import Answered, of_read, of_write
from app.records.later.kickoff import stores_document
from app.records.later.progress import Progress
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.records.response import Response
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.errors import FhirError, InvalidValue

PENDING = 100
"""Answers of entries that wrote nothing, kept together."""


def undisclosed(response: Response) -> bytes:
    """Return the entry of an answer without the body of a success; why something was refused stays."""
    return entry_answer(Response(response.status, response.body if response.status >= 400 else b"", response.headers))


async def batch_later(request: FhirRequest, envelope: Envelope, progress: Progress) -> None:
    """Carry out the entries that have no answer yet, one after the other.

    Raises:
        Lost: the job is not held any more.
        DatabaseUnavailable: not now.
    """
    request.interaction = "batch"
    progress.entries = len(envelope.entries)
    pending: list[Answered] = []
    for number, entry in enumerate(envelope.entries):
        if number not in progress.done:
            found = await _entry(request, number, entry, progress)
            pending += [] if found is None else [found]
        if len(pending) >= PENDING or request.hub.clock() > progress.held.until - LASTS // 2:
            await progress.keep(pending)
            pending = []
    await progress.keep(pending, "batch-response")


async def _entry(request: FhirRequest, number: int, entry: EnvelopeEntry, progress: Progress) -> Answered | None:
    """Return the answer to an entry; None when it is kept already, with what the entry wrote."""
    try:
        inner = inner_request(request, entry, request.caller)
    except InvalidValue as error:
        return of_write(number, entry_answer(refused(f"Bundle.entry[{number}].resource", error.diagnostics)))
    if inner is None:
        refusal = refused(f"Bundle.entry[{number}].request", "An entry of a batch has a request")
        return of_write(number, entry_answer(refusal))
    if inner.path == "/fhir/" and inner.method == "POST":
        refusal = refused(f"Bundle.entry[{number}].request.url", "A Bundle inside a batch is not carried out")
        return of_write(number, entry_answer(refusal))
    if _reads(inner):
        return of_read(number, entry)
    return await _write(request, number, entry, progress)


def _reads(inner: FhirRequest) -> bool:
    """Return whether an entry only reads."""
    try:
        return find(inner).action in ("R", "E") and not stores_document(inner)
    except FhirError:
        # It is refused when it is carried out, and recorded as such.
        return False


async def _write(request: FhirRequest, number: int, entry: EnvelopeEntry, progress: Progress) -> Answered | None:
    for _ in range(MOST_ATTEMPTS):
        inner = inner_request(request, entry, await caller_of(request.hub, progress.held.job))
        if inner is None:
            break
        inner.settle, progress.settled = progress.settle_alone(number), False
        try:
            response = await answer(inner, request.hub.settings.bundle_bytes)
        except StaleCaller:
            continue
        progress.check(response)
        if progress.settled:
            progress.committed(number)
            return None
        return of_write(number, undisclosed(response))
    raise DatabaseUnavailable("The rights of callers change all the time")
