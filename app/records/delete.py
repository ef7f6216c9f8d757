"""delete: https://hl7.org/fhir/R4/http.html#delete. The versions stay; the resource answers 410."""

from app.records.commit import committed
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from app.records.update import check_version, if_match
from app.records.writing import Writing
from fhir.store.stored import Stored


async def delete(request: FhirRequest) -> Response:
    """Delete a resource; deleting it again is no error."""
    known_type(request.type)
    header = request.headers.get(b"if-match")
    wanted = if_match(header.decode("latin-1") if header is not None else None)

    async def work(writing: Writing) -> Stored | None:
        await check_version(writing, request.type, request.id, wanted)
        return await writing.delete(request.type, request.id)

    deleted = await committed(request, work)
    headers = [(b"etag", b'W/"%d"' % deleted.version)] if deleted else []
    return Response(204, b"", headers)
