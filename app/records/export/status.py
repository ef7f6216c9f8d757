"""The status of an export: how far it is, what it holds, and how it is called off.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request
"""

from typing import Any

import orjson

from app.clock import instant
from app.records.export.job import EXPORTS, File, files, remove, wanted_of
from app.records.jobs.job import DONE, FAILED
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, Response, http_date, outcome_response
from fhir.issue import Issue


async def export_status(request: FhirRequest) -> Response:
    """Answer 202 while the export is made ready, then its manifest."""
    job = await EXPORTS.of_caller(request)
    if job.state == FAILED:
        return outcome_response(500, [Issue("fatal", "exception", "", "The export failed; please begin it again")])
    if job.state != DONE:
        response = outcome_response(202, [Issue("information", "informational", "", "The export is under way")])
        progress = f"step {job.step} of {job.steps}" if job.steps else "waiting"
        response.headers += [(b"x-progress", progress.encode()), (b"retry-after", b"2")]
        return response
    address = f"{request.hub.settings.address}/fhir/$export-file/{job.id}"
    found = await files(request.hub.database.reader, job.id)
    manifest = {
        "transactionTime": instant(job.begun),
        "request": job.address,
        "requiresAccessToken": True,
        **({"outputOrganizedBy": "Patient"} if wanted_of(job).organized else {}),
        "output": [_output(address, one, len(found)) for one in found],
        "error": [],
    }
    expires = (b"expires", http_date(job.ends // 1_000_000))
    return Response(200, orjson.dumps(manifest), [(b"content-type", b"application/json"), PRIVATE, NO_SNIFF, expires])


def _output(address: str, file: File, files_in_all: int) -> dict[str, Any]:
    """Return what the manifest says of a file; one that is organised by Patient has no type."""
    said: dict[str, Any] = {"url": f"{address}/{file.number}", "count": file.count}
    if not file.organized:
        return {"type": file.type, **said}
    if file.continues and file.number + 1 < files_in_all:
        said["continuesInFile"] = f"{address}/{file.number + 1}"
    return said


async def export_cancel(request: FhirRequest) -> Response:
    """Call an export off, or remove one that is not needed any more."""
    job = await EXPORTS.of_caller(request)
    async with request.hub.database.write() as connection:
        await remove(connection, job)
    return outcome_response(202, [Issue("information", "informational", "", "The export was removed")])
