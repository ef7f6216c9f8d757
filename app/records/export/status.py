"""The status of an export: how far it is, what it holds, and how it is called off.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request
"""

import orjson

from app.clock import instant
from app.records.export.job import EXPORTS, files, remove
from app.records.jobs.queue import DONE, FAILED
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
        "output": [{"type": one.type, "url": f"{address}/{one.number}", "count": one.count} for one in found],
        "error": [],
    }
    expires = (b"expires", http_date(job.ends // 1_000_000))
    return Response(200, orjson.dumps(manifest), [(b"content-type", b"application/json"), PRIVATE, NO_SNIFF, expires])


async def export_cancel(request: FhirRequest) -> Response:
    """Call an export off, or remove one that is not needed any more."""
    job = await EXPORTS.of_caller(request)
    async with request.hub.database.write() as connection:
        await remove(connection, job)
    return outcome_response(202, [Issue("information", "informational", "", "The export was removed")])
