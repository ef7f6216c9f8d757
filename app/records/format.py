"""How an answer is written: JSON or XML, dense or for people, packed or not. Interactions answer dense JSON.

https://hl7.org/fhir/R4/http.html#mime-type
"""

import asyncio
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from app.records.accept import PLAIN, takes_gzip, wants_xml
from app.records.request import FhirRequest, decode_pairs
from app.records.response import JSON, FhirResponse, Header, Response, Streamed, failure_response
from fhir.errors import TooLarge
from fhir.xml.to_xml import NotWritable, to_xml

XML = (b"content-type", b"application/fhir+xml; charset=utf-8")

PACKED_BYTES = 1_000
"""Answers of fewer bytes are not packed: they fit one network packet anyway."""

THREAD_BYTES = 200_000
"""From so many bytes on, an answer is written anew in a thread, so that other requests go on."""

GATHERED_BYTES = 100_000_000
"""The most of a stream that is held to be written in another form."""

_LEVEL = 1


class Format(NamedTuple):
    """How an answer is to be written."""

    xml: bool
    pretty: bool
    packed: bool


def wanted(headers: Iterable[Header], query: bytes) -> Format | None:
    """Return how an answer is to be written; None for dense JSON.

    Args:
        headers: Those of the request.
        query: Its query string; `_format` there is stronger than `Accept`.

    Raises:
        NotAcceptable: neither JSON nor XML is accepted.
        InvalidValue: the query is not urlencoded.
    """
    accept = encoding = b""
    for name, value in headers:
        if name == b"accept":
            accept = value
        elif name == b"accept-encoding":
            encoding = value
    if not encoding and accept in PLAIN and b"_format" not in query and b"_pretty" not in query:
        return None
    asked = dict(reversed(decode_pairs(query))) if b"_format" in query or b"_pretty" in query else {}
    xml = wants_xml(accept, asked.get("_format"))
    found = Format(xml, asked.get("_pretty") == "true", takes_gzip(encoding))
    return found if any(found) else None


async def rendered(response: FhirResponse, format: Format) -> FhirResponse:
    """Return a FHIR answer as it is wanted; any other answer as it is, and one that XML cannot hold as a 406.

    A stream is gathered when it is wanted in another form than it has, as far as it is not too large, and not packed.
    """
    try:
        return await written(response, format)
    except NotWritable as error:
        return _in_json(error)


async def written_for(request: FhirRequest, response: FhirResponse) -> FhirResponse:
    """Return the answer to a request as it is wanted, before it is recorded: what does not leave is not on record.

    What XML cannot hold is a 406, and nothing is disclosed.
    """
    asked = wanted(request.headers.items(), request.query_string)
    if asked is None or request.recorded:
        return response
    try:
        return await written(response, asked)
    except NotWritable as error:
        request.record.disclosed.clear()
        return _in_json(error)


def _in_json(error: NotWritable) -> Response:
    """Return why an answer is not written as XML: in JSON, for that is how it can be had."""
    response = failure_response(error)
    # By another header than the one of answers that are still to be written as they are wanted.
    response.headers = [(name, value) for name, value in response.headers]
    return response


async def written(response: FhirResponse, format: Format) -> FhirResponse:
    """Return a FHIR answer as it is wanted; any other answer as it is, such as one that was written before.

    Raises:
        NotWritable: it is wanted as XML, which cannot hold it.
    """
    if isinstance(response, Streamed):
        if response.headers[0] is not JSON or not (format.xml or format.pretty):
            return response
        try:
            response = await response.gathered(GATHERED_BYTES)
        except TooLarge as error:
            response = failure_response(error)
    if not response.body or response.headers[0] is not JSON:
        return response
    if len(response.body) < THREAD_BYTES:
        return _written(response, format)
    return await asyncio.to_thread(_written, response, format)


def _written(response: Response, format: Format) -> Response:
    body, headers = response.body, response.headers
    if format.xml:
        body, headers = to_xml(body, pretty=format.pretty), [XML, *headers[1:]]
    elif format.pretty:
        body = msgspec.json.format(body, indent=2)
    if format.packed and len(body) >= PACKED_BYTES:
        packer = zlib.compressobj(_LEVEL, wbits=31)
        body = packer.compress(body) + packer.flush()
        headers = [*headers, (b"content-encoding", b"gzip"), (b"vary", b"accept, accept-encoding")]
    return Response(response.status, body, headers)
