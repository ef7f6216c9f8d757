"""batch and transaction: https://hl7.org/fhir/R4/http.html#transaction."""

import asyncio
from functools import partial

from app.exchange.pmir.feed import feed
from app.records.batch import batch
from app.records.request import THREAD_BYTES, FhirRequest
from app.records.response import Response
from app.records.transaction import transaction
from fhir.envelope import Envelope, read_bundle
from fhir.errors import InvalidValue


async def read_envelope(request: FhirRequest) -> Envelope:
    """Return the Bundle in the body of a request.

    Raises:
        FhirError: there is none.
    """
    request.check_content_type()
    settings = request.hub.settings
    body = await request.body(settings.bundle_bytes)
    read = partial(read_bundle, body, most=settings.bundle_entries, sources=request.sources)
    return read() if len(body) < THREAD_BYTES else await asyncio.to_thread(read)


def not_carried_out(envelope: Envelope) -> InvalidValue:
    """Return why a Bundle of another type is refused."""
    return InvalidValue(
        f"A Bundle of type {envelope.type} is not carried out; a document or collection is posted to /fhir/Bundle",
        "Bundle.type",
    )


async def bundle(request: FhirRequest) -> Response:
    """Carry out the entries of a Bundle posted to the base address."""
    envelope = await read_envelope(request)
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
