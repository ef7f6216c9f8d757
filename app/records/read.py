"""read: https://hl7.org/fhir/R4/http.html#read."""

from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response


async def read(request: FhirRequest) -> Response:
    """Answer the current version of a resource."""
    request.check_accept()
    found = await request.record.read(known_type(request.type), request.id)
    return fhir_response(found.body, version=found.version, last_updated=found.last_updated)
