"""create, also conditional: https://hl7.org/fhir/R4/http.html#create."""

from collections.abc import Awaitable, Callable

from app.audit.record import Event
from app.exchange.mhd.profiles import SIMPLIFIED
from app.exchange.mhd.publish import is_simplified, publish
from app.records.checked import checked
from app.records.commit import committed
from app.records.conditional import condition, lock, match, own
from app.records.document import document_of, file_document
from app.records.events import events
from app.records.prepare import prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.row_ids import new_id
from app.records.writing import Writing
from app.records.written import written_response
from fhir.resource import parse
from fhir.store.stored import Stored


async def committed_or_found(request: FhirRequest, work: Callable[[Writing], Awaitable[Stored]]) -> tuple[Stored, bool]:
    """Run `work` in a transaction; return what it wrote or found, and whether it wrote anything."""
    wrote = False

    async def noted(writing: Writing) -> Stored:
        nonlocal wrote
        stored = await work(writing)
        wrote = bool(writing.written)
        return stored

    async def tell(stored: Stored, writing: Writing) -> list[Event]:
        # What a condition found is disclosed by the answer.
        return await events(request, writing.written or [stored], 200, writing.connection)

    return await committed(request, noted, tell), wrote


async def create(request: FhirRequest) -> Response:
    """Store the body as a new resource, unless `If-None-Exist` finds one in the caller's custody."""
    known_type(request.type)
    request.check_content_type()
    return await create_of(request, await request.body(request.hub.settings.largest(request.type)))


async def create_of(request: FhirRequest, body: bytes) -> Response:
    """Store a body of the request's type, as `create` does."""
    header = request.headers.get(b"if-none-exist")
    query = condition(request, request.type, header.decode("latin-1"), "If-None-Exist") if header is not None else None
    if request.type == "DocumentReference" and SIMPLIFIED.encode() in body and is_simplified(parse(body)):
        return await publish(request, body)
    profiles = await request.hub.profiles(body)
    prepared = await checked(
        request.hub,
        lambda: prepare(body, request.authority, type_name=request.type, profiles=profiles, received=request.source),
        len(body),
    )

    document = await document_of(request, prepared)

    async def work(writing: Writing) -> Stored:
        if query is not None:
            await lock(writing.connection, request, [request.type])
            found = await match(writing.connection, own(request), query, "If-None-Exist")
            if found is not None:
                return found
        if document is not None:
            return await file_document(writing, document)
        row, id_ = new_id(request.hub)
        if request.type == "Patient":
            writing.announce_patient(id_, row)
        return await writing.create(prepared, row=row, id_=id_)

    stored, made = await committed_or_found(request, work)
    warnings = document.warnings if document is not None else prepared.warnings
    return written_response(request, stored, 201 if made else 200, warnings)
