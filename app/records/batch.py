"""batch: each entry for itself, through the same gates as a request of its own.

https://hl7.org/fhir/R4/http.html#transaction
"""

import base64
from collections.abc import Sequence

import orjson

from app.access.caller import Caller
from app.clock import instant
from app.records.patch import FHIR_JSON, patch_of_entry
from app.records.record import StaleCaller
from app.records.request import FhirRequest, Request, replayed
from app.records.response import Response, fhir_response, outcome_response
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.errors import InvalidValue
from fhir.issue import Issue
from fhir.store.stored import Stored

_CONDITIONS = {
    "if_none_match": b"if-none-match",
    "if_modified_since": b"if-modified-since",
    "if_match": b"if-match",
    "if_none_exist": b"if-none-exist",
}


def inner_request(request: FhirRequest, entry: EnvelopeEntry, caller: Caller) -> FhirRequest | None:
    """Return the request that an entry stands for; None when it has none."""
    asked = entry.request
    if asked is None:
        return None
    path, _, query = asked.url.partition("?")
    body, media_type = entry.resource or b"", FHIR_JSON
    if asked.method == "PATCH":
        body, media_type = patch_of_entry(body)
    headers = [(b"content-type", media_type.encode("latin-1", "replace"))]
    for name, header in _CONDITIONS.items():
        value = getattr(asked, name)
        if value is not None:
            headers.append((header, value.encode("latin-1", "replace")))
    headers.append((b"content-length", str(len(body)).encode()))
    scope = {
        "method": asked.method,
        "path": f"/fhir/{path.lstrip('/')}",
        "query_string": query.encode("ascii", "replace"),
        "headers": headers,
        "client": (request.network, 0),
    }
    inner = FhirRequest(request.hub, scope, replayed(body), caller)
    inner.source = entry.source
    inner.nested = True
    return inner


def entry_answer(response: Response) -> bytes:
    """Return the entry of a response Bundle."""
    headers = dict(response.headers)
    about: dict[str, str] = {"status": str(response.status)}
    for name, header in (("location", b"location"), ("etag", b"etag")):
        if header in headers:
            about[name] = headers[header].decode()
    failed = response.status >= 400
    text = orjson.dumps({"response": about})
    if not response.body:
        return text
    if failed:
        return text[:-2] + b',"outcome":' + response.body + b"}}"
    return text[:-1] + b',"resource":' + _resource(response.body, headers[b"content-type"]) + b"}"


def _resource(body: bytes, media_type: bytes) -> bytes:
    """Return an answer as a resource: what is none becomes a Binary."""
    if media_type.startswith(FHIR_JSON.encode()):
        return body
    binary = {"resourceType": "Binary", "contentType": media_type.decode(), "data": base64.b64encode(body).decode()}
    return orjson.dumps(binary)


def refused(expression: str, diagnostics: str) -> Response:
    """Return a 400 with one issue."""
    return outcome_response(400, [Issue("error", "invalid", expression, diagnostics)])


def written_entry(request: Request, written: Sequence[Stored], status: str = "") -> bytes:
    """Return the entry of a response Bundle about what a request wrote, without it: its status and where it lies.

    Args:
        request: The request; of several versions that it wrote, the one that its address means counts.
        written: Versions, at least one.
        status: The HTTP status, when it is not that of a version made like this one.
    """
    meant = [one for one in written if isinstance(request, FhirRequest) and one.type == request.type]
    stored = (meant or written)[0]
    address = f"{request.hub.settings.address}/fhir/{stored.type}/{stored.id}"
    response = {
        "response": {
            "status": status or ("204" if stored.deleted else "201" if stored.version == 1 else "200"),
            "location": f"{address}/_history/{stored.version}",
            "etag": f'W/"{stored.version}"',
            "lastModified": instant(stored.last_updated),
        }
    }
    return orjson.dumps(response)


async def batch(request: FhirRequest, envelope: Envelope) -> Response:
    """Carry out the entries one after the other; a refused one hinders no other.

    A stream among the answers is refused where it would make the answer larger than a Bundle may be.
    """
    from app.records.answer import answer, unavailable

    request.interaction = "batch"
    answers: list[bytes] = []
    size = 0
    for number, entry in enumerate(envelope.entries):
        try:
            inner = inner_request(request, entry, request.caller)
        except InvalidValue as error:
            answers.append(entry_answer(refused(f"Bundle.entry[{number}].resource", error.diagnostics)))
            continue
        if inner is None:
            response = refused(f"Bundle.entry[{number}].request", "An entry of a batch has a request")
        elif inner.method == "POST" and inner.path == "/fhir/":
            response = refused(f"Bundle.entry[{number}].request.url", "A Bundle inside a batch is not carried out")
        else:
            try:
                response = await answer(inner, request.hub.settings.bundle_bytes - size)
            except StaleCaller:
                # Nothing is done yet: begin again. Later, what is done stays done, and this entry must be sent again.
                if not answers:
                    raise
                response = unavailable()
        answers.append(entry_answer(response))
        size += len(answers[-1])
    head = b'{"resourceType":"Bundle","type":"batch-response"'
    return fhir_response(head + (b',"entry":[' + b",".join(answers) + b"]}" if answers else b"}"))
