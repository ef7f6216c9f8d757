"""batch and transaction: https://hl7.org/fhir/R4/http.html#transaction."""

import asyncio
from functools import partial

from app.exchange.pmir.feed import feed
from app.records.batch import batch
from app.records.create import create_of
from app.records.request import THREAD_BYTES, FhirRequest
from app.records.response import Response
from app.records.scoped import check_interaction
from app.records.transaction import transaction
from fhir.documents.split import TYPES
from fhir.envelope import Envelope, read_bundle
from fhir.errors import InvalidValue


async def read_envelope(request: FhirRequest) -> Envelope:
    """Return the Bundle in the body of a request.

    Raises:
        FhirError: there is none.
    """
    return (await read_with_body(request))[0]


async def read_with_body(request: FhirRequest) -> tuple[Envelope, bytes]:
    """Return the Bundle in the body of a request, and the body where it is a document: it is stored as a whole.

    Raises:
        FhirError: there is none.
    """
    request.check_content_type()
    settings = request.hub.settings
    body = await request.body(settings.bundle_bytes)
    read = partial(read_bundle, body, most=settings.bundle_entries, sources=request.sources)
    envelope = read() if len(body) < THREAD_BYTES else await asyncio.to_thread(read)
    return envelope, body if envelope.type in TYPES else b""


def not_carried_out(envelope: Envelope) -> InvalidValue:
    """Return why a Bundle of another type is refused."""
    return InvalidValue(
        f"A Bundle of type {envelope.type} is not carried out; a document or collection is posted to /fhir/Bundle",
        "Bundle.type",
    )


async def _document(request: FhirRequest, body: bytes) -> Response:
    """Store a document or a collection as a POST to `/fhir/Bundle` does."""
    request.type, request.interaction = "Bundle", "create"
    check_interaction(request)
    return await create_of(request, body)


async def bundle(request: FhirRequest) -> Response:
    """Carry out the entries of a Bundle posted to the base address."""
    envelope, body = await read_with_body(request)
    if envelope.type in TYPES:
        del envelope
        return await _document(request, body)
    if envelope.type == "batch":
        return await batch(request, envelope)
    if envelope.type == "transaction":
        carried_out = transaction(request, envelope)
        # The bytes of an entry are given back as soon as it is done: nobody else is to hold them.
        del envelope
        return await carried_out
    if envelope.type == "message":
        return await feed(request, envelope)
    raise not_carried_out(envelope)
