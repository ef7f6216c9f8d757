"""The status of a request that is answered later: how far it is, what became of it, and how it is called off.

https://hl7.org/fhir/R5/async-bundle.html
"""

from collections.abc import AsyncIterator

import orjson

from app.access.proxy import CERTIFICATE
from app.doors import MOST_ATTEMPTS, recorded
from app.records.batch import entry_answer, inner_request
from app.records.jobs.job import DONE, FAILED, Job
from app.records.later.answers import REQUESTS, Answered, answers, question, remove
from app.records.later.asked import Asked, again, asked_of
from app.records.later.tables import WRITTEN
from app.records.record import StaleCaller
from app.records.renew import renew
from app.records.request import FhirRequest
from app.records.response import FhirResponse, Response, Streamed, http_date, outcome_response, streamed_response
from fhir.errors import NotSupported
from fhir.issue import Issue

_HEAD = b'{"resourceType":"Bundle","type":"batch-response","entry":['
_END = b"]}"


async def async_status(request: FhirRequest) -> FhirResponse:
    """Answer 202 while the request is carried out, then a Bundle with its answer as the one entry.

    Raises:
        NotFound: there is no such request of this client, or it has expired.
        NotSupported: it is asked for as an entry of another request.
    """
    request.check_accept()
    if request.nested:
        raise NotSupported("The status of a request is not asked for inside of another")
    job = await REQUESTS.of_caller(request)
    if job.state == FAILED:
        issue = Issue("fatal", "exception", "", "The request failed, and is not tried again; it is not known why")
        return outcome_response(500, [issue])
    if job.state != DONE:
        response = outcome_response(202, [Issue("information", "informational", "", "The request is under way")])
        progress = f"{job.step} of {job.steps} entries" if job.steps else "under way" if job.position else "waiting"
        response.headers += [(b"x-progress", progress.encode()), (b"retry-after", b"2")]
        return response
    known = asked_of(job)
    found = await _read(request, known) if known.reads else streamed_response(_told(request, job))
    found.headers.append((b"expires", http_date(job.ends // 1_000_000)))
    return found


async def async_cancel(request: FhirRequest) -> Response:
    """Call a request off, if it is not carried out yet, and forget it.

    Raises:
        NotFound: there is no such request of this client, or it has expired.
        NotSupported: it is asked for as an entry of another request.
    """
    if request.nested:
        raise NotSupported("A request is not called off inside of another")
    job = await REQUESTS.of_caller(request)
    async with request.hub.database.write() as connection:
        await remove(connection, job)
    return outcome_response(202, [Issue("information", "informational", "", "The request was removed")])


async def _read(request: FhirRequest, known: Asked) -> FhirResponse:
    """Do a read now, under the rights of now, and answer what it answers as an entry.

    Raises:
        StaleCaller: the caller must be identified again.
    """
    from app.records.answer import FHIR

    credentials = [(name, request.headers[name]) for name in (b"authorization", CERTIFICATE) if name in request.headers]
    inner = await again(request.hub, known, request.caller, credentials)
    response = await recorded(FHIR, inner)
    if isinstance(response, Response):
        return streamed_response(_pieces(_HEAD + entry_answer(response) + _END))
    return streamed_response(_wrapped(response))


async def _pieces(whole: bytes) -> AsyncIterator[bytes]:
    yield whole


async def _wrapped(response: Streamed) -> AsyncIterator[bytes]:
    before = _HEAD + b'{"resource":'
    async for chunk in response.chunks:
        yield before + chunk
        before = b""
    yield b',"response":' + orjson.dumps({"status": str(response.status)}) + b"}" + _END


async def _told(request: FhirRequest, job: Job) -> AsyncIterator[bytes]:
    """Yield what became of each entry; those that only read are read as they leave, each on record before."""
    single = job.position == "entry"
    head = b'{"resource":{"resourceType":"Bundle","type":"%s"' % job.position.encode()
    before = _HEAD if single else _HEAD + head
    opened = single
    async for one in answers(request.hub.database.reader, job):
        answer = one.answer if one.kind == WRITTEN else await _asked_now(request, one)
        yield before + (b"" if opened else b',"entry":[') + answer
        before, opened = b",", True
    if single:
        yield _END
    else:
        yield (b"]" if before == b"," else before) + b'},"response":{"status":"200"}}' + _END


async def _asked_now(request: FhirRequest, one: Answered) -> bytes:
    """Return the entry of a read that was asked for as part of a batch or transaction, done now.

    Raises:
        StaleCaller: the caller may not call any more: the answer breaks off.
    """
    from app.records.answer import answer

    for _ in range(MOST_ATTEMPTS):
        inner = inner_request(request, question(one), request.caller)
        if inner is None:
            raise NotSupported("An entry of a batch has a request")
        try:
            return entry_answer(await answer(inner, request.hub.settings.bundle_bytes))
        except StaleCaller:
            await renew(request)
    raise StaleCaller
