"""read, also conditional: https://hl7.org/fhir/R4/http.html#read, https://hl7.org/fhir/R4/http.html#cread."""

from app.exchange.mhd.retrieve import document_response
from app.records.parts import part_of, wanted
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.unchanged import has_it
from fhir.store.stored import Stored
from fhir.subset import Subset


def version_response(request: FhirRequest, found: Stored, subset: Subset | None) -> Response:
    """Return the answer that holds a version or the part that is wanted, or a 304 when the caller has it."""
    response = fhir_response(part_of(found, subset), version=found.version, last_updated=found.last_updated)
    if has_it(request, found):
        response.status, response.body = 304, b""
    return response


async def read(request: FhirRequest) -> Response:
    """Answer the current version of a resource."""
    if request.type != "Binary":
        request.check_accept()
    subset = wanted(request)
    found = await request.record.read(known_type(request.type), request.id)
    document = document_response(request, found) if subset is None else None
    if document is not None:
        return document
    request.check_accept()
    return version_response(request, found, subset)
