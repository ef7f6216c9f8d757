"""The status of an import: how far it is, what became of its lines, why some were not written, and its end."""

from collections.abc import AsyncIterator

import orjson

from app.clock import instant
from app.records.bulk_import.job import IMPORTS, Fault, Position, Wanted, faults_of, position_of, remove, wanted_of
from app.records.bulk_import.line import POINTING
from app.records.jobs.job import DONE, FAILED, Job
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, FhirResponse, Response, Streamed, http_date, outcome_response
from fhir.errors import NotFound
from fhir.issue import Issue, outcome

NDJSON = b"application/fhir+ndjson"
FAULTS = 500
"""Faults that are read at once."""


async def _of_caller(request: FhirRequest) -> Job:
    """Return the import that the request names.

    Raises:
        NotFound: there is none of this client, or it has expired.
    """
    if request.caller.role != "operator":
        raise IMPORTS.not_found()
    return await IMPORTS.of_caller(request)


async def import_status(request: FhirRequest) -> Response:
    """Answer 202 while the import is carried out, then what became of it."""
    job = await _of_caller(request)
    if job.state == FAILED:
        text = "The import failed; what it had written stays. Begin it again: it goes over what is there"
        return outcome_response(500, [Issue("fatal", "exception", "", text)])
    at, wanted = position_of(job), wanted_of(job)
    if job.state != DONE:
        response = outcome_response(202, [Issue("information", "informational", "", "The import is under way")])
        inputs = len(wanted.inputs)
        progress = f"pass {at.turn + 1} of {POINTING + 1}, file {min(at.file + 1, inputs)} of {inputs}, line {at.line}"
        response.headers += [(b"x-progress", progress.encode()), (b"retry-after", b"2")]
        return response
    manifest = _manifest(job, wanted, at, f"{request.hub.settings.address}/fhir/$import-file/{job.id}")
    expires = (b"expires", http_date(job.ends // 1_000_000))
    return Response(200, orjson.dumps(manifest), [(b"content-type", b"application/json"), PRIVATE, NO_SNIFF, expires])


def _manifest(job: Job, wanted: Wanted, at: Position, address: str) -> dict[str, object]:
    counts = at.counts
    output = [
        {
            **({"type": given.type} if given.type else {}),
            "inputUrl": given.name,
            "count": count.created + count.updated + count.unchanged,
            "extension": {"created": count.created, "updated": count.updated, "unchanged": count.unchanged},
        }
        for given, count in zip(wanted.inputs, counts, strict=True)
    ]
    error = [
        {"type": "OperationOutcome", "inputUrl": given.name, "count": count.faulty, "url": f"{address}/{number}"}
        for number, (given, count) in enumerate(zip(wanted.inputs, counts, strict=True))
        if count.faulty
    ]
    return {"transactionTime": instant(job.begun), "request": job.address, "output": output, "error": error}


async def import_cancel(request: FhirRequest) -> Response:
    """Call an import off, or forget one that has ended; what it has written stays."""
    job = await _of_caller(request)
    async with request.hub.database.write() as connection:
        await remove(connection, job)
    return outcome_response(202, [Issue("information", "informational", "", "The import was removed")])


async def import_file(request: FhirRequest) -> FhirResponse:
    """Answer why lines of a file were not written, an OperationOutcome for each fault.

    Raises:
        NotFound: there is no such file of an import of this client.
    """
    job = await _of_caller(request)
    number = int(request.version) if request.version.isdigit() and len(request.version) < 9 else -1
    wanted = wanted_of(job)
    if number >= len(wanted.inputs):
        raise NotFound("There is no such file")
    headers = [(b"content-type", NDJSON), PRIVATE, NO_SNIFF]
    return Streamed(_faults(request, job, wanted, number), 200, headers)


async def _faults(request: FhirRequest, job: Job, wanted: Wanted, file: int) -> AsyncIterator[bytes]:
    first = 0
    while found := await faults_of(request.hub.database.reader, job.id, first, FAULTS):
        first += len(found)
        yield b"".join([told(wanted, one) for one in found if one.file == file])


def told(wanted: Wanted, fault: Fault) -> bytes:
    """Return a fault as a line of NDJSON."""
    text = f"{wanted.inputs[fault.file].name}, line {fault.line}: {fault.diagnostics}"
    return orjson.dumps(outcome([Issue("error", fault.code, fault.expression, text)])) + b"\n"
