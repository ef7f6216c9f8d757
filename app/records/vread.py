"""vread: https://hl7.org/fhir/R4/http.html#vread."""

from app.records.parts import wanted
from app.records.read import version_response
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response


async def vread(request: FhirRequest) -> Response:
    """Answer one version of a resource."""
    request.check_accept()
    subset = wanted(request)
    found = await request.record.vread(known_type(request.type), request.id, request.version)
    return version_response(request, found, subset)
