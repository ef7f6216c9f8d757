"""The answer to a write, as `Prefer` asks for it. https://hl7.org/fhir/R4/http.html#ops."""

from app.records.request import FhirRequest
from app.records.response import Response, fhir_response, outcome_response
from fhir.issue import Issue
from fhir.store.stored import Stored


def written_response(request: FhirRequest, stored: Stored, status: int, warnings: tuple[Issue, ...]) -> Response:
    """Return the answer to a write, as `Prefer: return=` asks for it."""
    location = f"{request.hub.settings.address}/fhir/{stored.type}/{stored.id}/_history/{stored.version}"
    preference = request.headers.get(b"prefer", b"")
    body = b"" if b"return=minimal" in preference else stored.body
    response = fhir_response(
        body, status=status, version=stored.version, last_updated=stored.last_updated, location=location
    )
    if b"return=OperationOutcome" in preference:
        done = Issue("information", "informational", "", f"{stored.type}/{stored.id} was written")
        response.body = outcome_response(status, [done, *warnings]).body
    return response
