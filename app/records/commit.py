"""One transaction per writing request, committed before the answer leaves, its audit record inside it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from app.access import epoch
from app.audit.record import Event
from app.consent.compile import compile_consents
from app.identity.follow import follow_patients
from app.identity.merge import follow_merges
from app.identity.recorded import moved_events
from app.imaging.labels import label_images
from app.imaging.reports.follow import follow_orders, hold_studies
from app.imaging.sources.documents import label_referred, refer_documents
from app.imaging.sources.imaging_studies import label_described, refer_images
from app.records.documents.withdraw import follow_documents
from app.records.events import events
from app.records.labelled import pass_labels_on
from app.records.record import StaleCaller
from app.records.request import Request
from app.records.scoped import check_written
from app.records.search_parameters.follow import follow_written
from app.records.search_parameters.known import lock_of
from app.records.signatures.keep import keep_verdicts
from app.records.summary.on_demand import announce_summaries
from app.records.writing import Writing

T = TypeVar("T")


async def committed(
    request: Request,
    work: Callable[[Writing], Awaitable[T]],
    tell: Callable[[T, Writing], Awaitable[list[Event]]] | None = None,
    *,
    before_commit: Callable[[T, Writing], Awaitable[None]] | None = None,
    parts: Callable[[], Mapping[int, bytes]] | None = None,
) -> T:
    """Run `work` in a write transaction and return its result once all of it is durable.

    Args:
        request: On whose behalf.
        work: Gathers what is to be written.
        tell: From the result to the events to be recorded; without it, one for each patient of what was written.
        before_commit: Reads what the transaction wrote, inside it.
        parts: The answers to the entries that wrote, by their numbers, for one who keeps them (`Request.settle`).

    Raises:
        StaleCaller: the rights of callers or the search parameters have changed; nothing was written.
        FhirError: `work` refused; nothing was written.
        DatabaseUnavailable: the transaction could not begin or commit.
    """
    known = await request.hub.search_parameters.learn(request.caller.epoch)
    async with request.hub.database.write(sharing=lock_of(known.version)) as connection:
        if await epoch.current(connection) != request.caller.epoch:
            raise StaleCaller
        writing = Writing(request, connection, known)
        result = await work(writing)
        await follow_documents(writing)
        await refer_documents(writing)
        asked = len(writing.written)
        await hold_studies(writing)
        await announce_summaries(writing, request)
        await writing.flush()
        await check_written(request, connection, writing.written[:asked])
        is_pending = bool(writing.signed) and await keep_verdicts(connection, writing.signed, request.now)
        moved = await follow_patients(connection, writing.written, request.now)
        settings = request.hub.settings
        actor = request.caller.user or request.caller.client
        moved += await follow_merges(connection, writing.written, settings.fhir_address, actor, request.now)
        await compile_consents(connection, writing.written, base_url=settings.fhir_address, majority=settings.majority)
        await follow_written(request, connection, writing.written)
        passed_on = await pass_labels_on(connection, writing.labelled) if writing.labelled else []
        passed_on += await label_referred(request, connection, passed_on)
        passed_on += await label_described(connection, [*writing.written, *passed_on])
        await follow_orders(writing, passed_on)
        await label_images(connection, [*writing.written, *passed_on])
        await refer_images(request, connection, [*writing.written, *passed_on])
        if before_commit is not None:
            await before_commit(result, writing)
        if request.settle is not None:
            await request.settle(writing, None if parts is None else parts())
        told = await (tell(result, writing) if tell else events(request, writing.written, 200, connection))
        await request.hub.audit.stage(connection, [*told, *await moved_events(request, connection, moved)])
    if any(one.type == "SearchParameter" for one in writing.written):
        request.hub.search_parameters_wait.set()
    if is_pending:
        request.hub.signatures_wait.set()
    request.recorded = True
    return result
