"""Carries out the writes that were promised an answer later: once, or not at all and said so.

A transaction is one such write, and so is a conditional delete; a batch is one for each entry.
"""

from collections.abc import Awaitable, Callable, Mapping

from app.db import DatabaseUnavailable
from app.doors import MOST_ATTEMPTS, Door, recorded
from app.hub import Hub
from app.records.answer import FHIR
from app.records.bundle import not_carried_out, read_envelope
from app.records.interactions import find
from app.records.jobs import run as jobs
from app.records.jobs.in_name import caller_of
from app.records.jobs.run import Held, Lost, work_through
from app.records.later.answers import REQUESTS, numbers, of_read, of_write, remove
from app.records.later.asked import again, asked_of
from app.records.later.batch import batch_later, undisclosed
from app.records.later.progress import Progress
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.records.response import FhirResponse, Response
from app.records.steps import READS
from app.records.transaction import transaction
from app.records.writing import Writing
from fhir.envelope import Envelope
from fhir.errors import Conflict

MOST_TRIES = 5
"""Times that a request is taken; one that ends the process each time is given up."""

ENTRY = "entry"
"""The form of an answer that is one entry, and no Bundle of entries."""


async def _single(request: FhirRequest, progress: Progress) -> Response:
    """Carry out a write that is no Bundle."""
    interaction = find(request)
    request.interaction, request.action = interaction.code, interaction.action
    request.settle = progress.settle_alone(0, ENTRY)
    return await _whole(request.hub, await interaction.answer(request))


async def _transaction(request: FhirRequest, envelope: Envelope, progress: Progress) -> None:
    """Carry out a transaction; what only reads in it is kept as a question."""
    empty = not envelope.entries
    reads = [
        of_read(number, one)
        for number, one in enumerate(envelope.entries)
        if one.request is not None and one.request.method in READS
    ]

    async def settle(writing: Writing, parts: Mapping[int, bytes] | None) -> None:
        written = [of_write(number, answer) for number, answer in (parts or {}).items()]
        await progress.settle(writing, [*written, *reads], "transaction-response")

    request.settle = settle
    carried_out = transaction(request, envelope)
    # The bytes of an entry are given back as soon as it is done: nobody else is to hold them.
    del envelope
    await carried_out
    if empty:
        await progress.keep([], "transaction-response")


async def _whole(hub: Hub, response: FhirResponse) -> Response:
    return response if isinstance(response, Response) else await response.gathered(hub.settings.bundle_bytes)


async def _carry_out(held: Held) -> None:
    """Carry a request out, from where it is.

    Raises:
        Lost: it is not to be carried out any more, or not here.
        DatabaseUnavailable: not now.
    """
    hub, job, asked = held.hub, held.job, asked_of(held.job)
    tries = int(job.position or 0) + 1
    if tries > MOST_TRIES:
        await held.fail()
        return
    progress = Progress(held, asked, tries)
    progress.done = await numbers(hub.database.reader, job)
    await progress.keep([])
    for _ in range(MOST_ATTEMPTS):
        request = await again(hub, asked, await caller_of(hub, job), [])
        try:
            alone = await _answered(request, progress)
        except StaleCaller:
            continue
        if alone is not None:
            await progress.keep([of_write(0, undisclosed(alone))], ENTRY)
        return
    raise DatabaseUnavailable("The rights of callers change all the time")


async def _answered(request: FhirRequest, progress: Progress) -> Response | None:
    """Return the answer to a request that is still to be kept; None when all of it is kept."""
    kept = False

    async def do(request: FhirRequest) -> Response:
        try:
            return await carry_out(request)
        except Lost as error:
            progress.lost = True
            raise Conflict("The request was called off, or is carried out elsewhere") from error

    async def carry_out(request: FhirRequest) -> Response:
        nonlocal kept
        if request.path.rstrip("/") != "/fhir":
            return await _single(request, progress)
        request.interaction, request.action = "transaction", "C"
        envelope = await read_envelope(request)
        if envelope.type == "batch":
            await batch_later(request, envelope, progress)
        elif envelope.type == "transaction":
            carried_out = _transaction(request, envelope, progress)
            del envelope
            await carried_out
        else:
            raise not_carried_out(envelope)
        kept = True
        return Response(200)

    progress.settled = False
    progress.begin_to_beat()
    try:
        response = await _whole(progress.held.hub, await recorded(Door(FhirRequest, lambda _: do, FHIR.tell), request))
    finally:
        await progress.be_still()
    progress.check(response)
    return None if kept or progress.settled else response


async def run_waiting(hub: Hub) -> None:
    """Carry out every request that waits, and remove those that have expired."""
    await work_through(hub, REQUESTS, _carry_out, remove)


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(lambda: run_waiting(hub), hub.requests_wait, "requests")
