"""A file of an export, as NDJSON: each resource as it is stored, if it still exists for the caller.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request
"""

from collections.abc import AsyncIterator, Sequence

from app.blobs import BlobMissing
from app.records.events import events
from app.records.export.job import EXPORTS, File, Wanted, files, wanted_of
from app.records.export.places import HEAD_BYTES, PLACE_BYTES, unpacked
from app.records.jobs.queue import DONE
from app.records.parts import part_of
from app.records.record import StaleCaller
from app.records.renew import renew
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, FhirResponse, Streamed
from fhir.errors import NotAcceptable, NotFound
from fhir.store.stored import Stored
from fhir.store.walk import Key, chunks
from fhir.subset import Subset

NDJSON = b"application/fhir+ndjson"
PLACES = 2_000
"""Places that are read at once."""


async def _file(request: FhirRequest) -> tuple[File, Wanted]:
    job = await EXPORTS.of_caller(request)
    number = int(request.version) if request.version.isdigit() and len(request.version) < 9 else -1
    if job.state == DONE:
        for file in await files(request.hub.database.reader, job.id):
            if file.number == number:
                return file, wanted_of(job)
    raise NotFound("There is no such file, or it has expired")


async def _chunks(request: FhirRequest, file: File) -> AsyncIterator[Sequence[Key]]:
    start = HEAD_BYTES
    while True:
        try:
            read = await request.hub.blobs.read(file.custodian, file.digest, start, PLACES * PLACE_BYTES)
        except BlobMissing as error:
            raise NotFound("The file has expired") from error
        for chunk in chunks(unpacked(read)):
            yield chunk
        start += len(read)
        if start >= HEAD_BYTES + file.count * PLACE_BYTES:
            return


async def _resources(request: FhirRequest, file: File) -> AsyncIterator[list[Stored]]:
    """Yield what exists for the caller of each chunk, by its rights of that moment."""
    async for chunk in _chunks(request, file):
        while True:
            try:
                found = await request.record.bodies(chunk, as_found=True)
                break
            except StaleCaller:
                await renew(request)
        if found:
            yield found


def _lines(found: Sequence[Stored], subset: Subset | None) -> bytes:
    bodies = [part_of(one, subset) for one in found]
    # Outside of strings a line break is white space, and inside it is escaped.
    return b"".join([body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n" for body in bodies])


async def _body(
    request: FhirRequest, first: list[Stored], rest: AsyncIterator[list[Stored]], subset: Subset | None
) -> AsyncIterator[bytes]:
    """Yield the lines; the first chunk is on record already, each other one before it is given out."""
    if first:
        yield _lines(first, subset)
    async for found in rest:
        await request.hub.audit.append(await events(request, found, 200))
        yield _lines(found, subset)


async def export_file(request: FhirRequest) -> FhirResponse:
    """Answer a file of an export to the client that asked for it.

    Raises:
        NotFound: there is no such file of this client.
        NotAcceptable: the caller takes no NDJSON.
    """
    accept = request.headers.get(b"accept", b"*/*")
    if not any(word in accept for word in (b"ndjson", b"*/*", b"application/*", b"json")):
        raise NotAcceptable("Files are written as application/fhir+ndjson")
    file, wanted = await _file(request)
    named = (*wanted.elements.get("", ()), *wanted.elements.get(file.type, ()))
    subset = Subset(elements=named) if named else None
    rest = _resources(request, file)
    first: list[Stored] = await anext(rest, [])
    request.record.disclosed += first
    return Streamed(_body(request, first, rest, subset), 200, [(b"content-type", NDJSON), PRIVATE, NO_SNIFF])
