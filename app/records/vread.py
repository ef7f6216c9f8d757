"""vread: https://hl7.org/fhir/R4/http.html#vread."""

from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response


async def vread(request: FhirRequest) -> Response:
    """Answer one version of a resource."""
    request.check_accept()
    found = await request.record.vread(known_type(request.type), request.id, request.version)
    return fhir_response(found.body, version=found.version, last_updated=found.last_updated)
