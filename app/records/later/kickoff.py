"""The kick-off: a request that prefers to be answered later is kept, and where to ask for it is said.

https://hl7.org/fhir/R5/async-bundle.html, https://www.rfc-editor.org/rfc/rfc7240#section-4.1
"""

from collections.abc import Awaitable, Callable

from app.blobs.tables import blob
from app.db import WriteConnection
from app.records.jobs.job import DONE, WAITING, asked_by, new_id
from app.records.later.answers import REQUESTS
from app.records.later.asked import asked
from app.records.request import FhirRequest
from app.records.response import Response, outcome_response
from fhir.errors import TooLarge
from fhir.issue import Issue


def stores_document(request: FhirRequest) -> bool:
    """Return whether a `$document` may store what it answers: it is no read, and is never answered later."""
    made = "$document" in request.path or "$summary" in request.path
    return made and (request.method == "POST" or b"persist" in request.query_string)


def prefers_later(request: FhirRequest) -> bool:
    """Return whether a request prefers to be answered later, and may be: persons, who wait for a page, are not."""
    prefer = request.headers.get(b"prefer")
    return (
        prefer is not None
        and b"respond-async" in [one.strip() for one in prefer.split(b",")]
        and request.method != "HEAD"
        and not request.caller.account
        and not request.caller.patient_key
        and not stores_document(request)
    )


async def _kept(request: FhirRequest, id_: str) -> tuple[str, int]:
    """Keep the body as it comes and return its digest and the blob's bytes; an empty text when there is none.

    Raises:
        TooLarge: it is larger than any body of this kind.
    """
    settings = request.hub.settings
    limit = settings.largest(request.type) if request.type else settings.bundle_bytes
    stated = request.headers.get(b"content-length", b"0")
    if not stated.isdigit() or int(stated) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes")
    incoming = request.hub.blobs.incoming()
    try:
        incoming.write(id_.encode())
        head = incoming.size
        async for chunk in request.chunks():
            incoming.write(chunk)
            if incoming.size - head > limit:
                raise TooLarge(f"The body is larger than {limit} bytes")
        if incoming.size == head:
            return "", 0
        return await request.hub.blobs.keep(request.caller.organisation, incoming), incoming.size
    finally:
        incoming.discard()


def begin_later(*, reads: bool) -> Callable[[FhirRequest], Awaitable[Response]]:
    """Return what answers a kick-off.

    Args:
        reads: Whether the request only reads: then it waits for nobody, and is done when it is fetched.
    """

    async def begin(request: FhirRequest) -> Response:
        if reads:
            request.check_accept()
        else:
            request.check_content_type()
        hub, id_ = request.hub, new_id()
        await REQUESTS.check_room(hub.database.reader, request.caller.client, request.now)
        digest, size = await _kept(request, id_)

        async def refer(connection: WriteConnection) -> None:
            if digest:
                await connection.insert(blob, [(request.caller.organisation, digest, size, request.now)])

        known, state = asked(request, reads=reads, digest=digest), DONE if reads else WAITING
        await REQUESTS.add(hub.database, asked_by(request, id_, known.text(), request.path, state), also=refer)
        hub.requests_wait.set()
        begun = Issue(
            "information", "informational", "", "The request is carried out; its answer is at Content-Location"
        )
        response = outcome_response(202, [begun])
        location = f"{hub.settings.address}/fhir/$async-status/{id_}"
        response.headers.append((b"content-location", location.encode()))
        return response

    return begin
