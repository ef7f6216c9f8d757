"""create: https://hl7.org/fhir/R4/http.html#create."""

from app.records.commit import committed
from app.records.document import file_document, prepare_document
from app.records.prepare import prepare
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response, outcome_response
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.documents.split import TYPES
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


async def create(request: FhirRequest) -> Response:
    """Store the body as a new resource."""
    known_type(request.type)
    request.check_content_type()
    limit = request.hub.settings.bundle_bytes if request.type == "Bundle" else request.hub.settings.resource_bytes
    prepared = prepare(
        await request.body(limit),
        request.authority,
        type_name=request.type,
        strict=request.hub.settings.profiles_strict,
    )

    document = None
    if request.type == "Bundle" and prepared.resource.get("type") in TYPES:
        document = prepare_document(request, prepared)

    async def work(writing: Writing) -> Stored:
        if document is not None:
            return await file_document(writing, document)
        row, id_ = new_id(request.hub)
        if request.type == "Patient":
            writing.announce_patient(id_, row)
        return await writing.create(prepared, row=row, id_=id_)

    return written_response(request, await committed(request, work), 201, prepared.warnings)
