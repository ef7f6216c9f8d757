"""A file of an export, as NDJSON: each resource as it is stored, if it still exists for the caller.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import orjson

from app.blobs import BlobMissing
from app.records.events import events
from app.records.export.job import EXPORTS, File, Wanted, files, wanted_of
from app.records.export.places import HEAD_BYTES, PLACE_BYTES, is_header, unpacked
from app.records.jobs.job import DONE
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


class Lines:
    """The lines of a file: each resource as it is stored, if it still exists for the caller; before a block a header.

    A header leaves with the first resource of its block: without one it would tell of a Patient that is hidden by now.
    """

    def __init__(self, request: FhirRequest, elements: Mapping[str, Sequence[str]]) -> None:
        self._request = request
        self._elements = elements
        self._header: Key | None = None

    def _subset(self, type_name: str) -> Subset | None:
        named = (*self._elements.get("", ()), *self._elements.get(type_name, ()))
        return Subset(elements=named) if named else None

    async def of(self, chunk: Sequence[Key]) -> tuple[list[Stored], bytes]:
        """Return what exists of a chunk by the rights of the moment, and its lines."""
        places = [key for key in chunk if not is_header(key)]
        while True:
            try:
                found = await self._request.record.bodies(places, as_found=True) if places else []
                break
            except StaleCaller:
                await renew(self._request)
        by_row = {one.row: one for one in found}
        lines: list[bytes] = []
        for key in chunk:
            if is_header(key):
                self._header = key
            elif key.row in by_row:
                lines += await self._headed()
                # Outside of strings a line break is white space, and inside it is escaped.
                one = by_row[key.row]
                body = part_of(one, self._subset(one.type))
                lines.append(body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")
        return found, b"".join(lines)

    async def _headed(self) -> list[bytes]:
        if self._header is None:
            return []
        reference = await self._request.hub.patient_reference(self._header.row)
        self._header = None
        named = {"name": "header", "valueReference": {"reference": reference}}
        return [orjson.dumps({"resourceType": "Parameters", "parameter": [named]}) + b"\n"]


async def _read(request: FhirRequest, file: File, wanted: Wanted) -> AsyncIterator[tuple[list[Stored], bytes]]:
    """Yield what exists for the caller of each chunk, and its lines."""
    lines = Lines(request, wanted.elements)
    async for chunk in _chunks(request, file):
        found, text = await lines.of(chunk)
        if found:
            yield found, text


async def _body(
    request: FhirRequest, first: bytes, rest: AsyncIterator[tuple[list[Stored], bytes]]
) -> AsyncIterator[bytes]:
    """Yield the lines; the first chunk is on record already, each other one before it is given out."""
    if first:
        yield first
    async for found, lines in rest:
        await request.hub.audit.append(await events(request, found, 200))
        yield lines


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
    rest = _read(request, file, wanted)
    # A tuple as the default of `anext` is taken apart by Python 3.11.
    start = await anext(rest, None)
    found, first = start if start is not None else ([], b"")
    request.record.disclosed += found
    return Streamed(_body(request, first, rest), 200, [(b"content-type", NDJSON), PRIVATE, NO_SNIFF])
