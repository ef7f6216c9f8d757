"""read, also conditional: https://hl7.org/fhir/R4/http.html#read, https://hl7.org/fhir/R4/http.html#cread."""

from email.utils import parsedate_to_datetime

from app.records.parts import part_of, wanted
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from fhir.store.stored import Stored
from fhir.subset import Subset


def has_it(request: FhirRequest, found: Stored) -> bool:
    """Return whether the caller says that it has this version already: then it is answered 304, without a body.

    `If-Modified-Since` counts only without `If-None-Match`, as HTTP says; a date that is none is as if it were not
    there. https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
    """
    tags = request.headers.get(b"if-none-match")
    if tags is not None:
        own = b'"%d"' % found.version
        return any(tag.strip().removeprefix(b"W/") in (own, b"*") for tag in tags.split(b","))
    since = request.headers.get(b"if-modified-since")
    if since is None:
        return False
    try:
        instant = parsedate_to_datetime(since.decode("latin-1"))
    except ValueError:
        return False
    return found.last_updated // 1_000_000 <= instant.timestamp()


def version_response(request: FhirRequest, found: Stored, subset: Subset | None) -> Response:
    """Return the answer that holds a version or the part that is wanted, or a 304 when the caller has it."""
    response = fhir_response(part_of(found, subset), version=found.version, last_updated=found.last_updated)
    if has_it(request, found):
        response.status, response.body = 304, b""
    return response


async def read(request: FhirRequest) -> Response:
    """Answer the current version of a resource."""
    request.check_accept()
    subset = wanted(request)
    return version_response(request, await request.record.read(known_type(request.type), request.id), subset)
