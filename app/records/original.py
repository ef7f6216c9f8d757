"""`$original`: the body as its sender wrote it, byte for byte, with its SHA-256."""

import base64
import hashlib
import re

from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response
from fhir.errors import FhirError
from fhir.undo import original as restore

_XML = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*+<")


class Damaged(FhirError):
    """The stored bytes are not those that were received."""

    status = 500
    code = "exception"


async def original(request: FhirRequest) -> Response:
    """Answer the bytes as received.

    Raises:
        Damaged: their digest is not that of the received body.
    """
    found, undo, digest = await request.record.received(known_type(request.type), request.id, request.version)
    body = restore(found.body, bytes(undo))
    if hashlib.sha256(body).digest() != bytes(digest):
        raise Damaged("The stored bytes are not those that were received")
    headers = [
        # Strict JSON never begins so, and XML always does.
        (b"content-type", b"application/fhir+xml" if _XML.match(body) else b"application/fhir+json"),
        (b"repr-digest", b"sha-256=:" + base64.b64encode(bytes(digest)) + b":"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Response(200, body, headers)
