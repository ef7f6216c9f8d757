"""A source asked by DICOMweb: WADO-RS for instances and metadata, QIDO-RS for what there is.

Every address is the registered one and UIDs behind it; nothing an answer says is followed.
https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import orjson

from app.blobs import Incoming
from app.imaging.sources.client import authorization
from app.imaging.sources.failures import NotThere, SourceFailed, Untrue
from app.imaging.sources.line import Line
from app.imaging.sources.metrics import OCTETS
from dicom.head import MOST_BYTES, Head, Whole
from dicom.media_types import parse
from dicom.multipart import MalformedMultipart, Sink, TooLarge, boundary_of, read_parts

DICOM_JSON = "application/dicom+json"
INSTANCE = 'multipart/related; type="application/dicom"; transfer-syntax=*'

MOST_JSON_BYTES = 64_000_000
"""Of one answer in DICOM JSON: a series of some thousand instances."""

MOST_ENVELOPE_BYTES = 64_000
"""Around an instance in its multipart answer."""

_NOT_THERE = (404, 410)
_REFUSES_ONE = (400, 406, 409, 415)
"""Statuses that speak of the request, not of the source."""


@asynccontextmanager
async def _answer(line: Line, base: str, path: str, accept: str) -> AsyncIterator[httpx.Response]:
    """Ask the source for something below a registered address."""
    source = line.source
    parts = urlsplit(base)
    host = parts.hostname or ""
    at = await line.address(host, parts.port or (443 if parts.scheme == "https" else 80))
    headers = {"host": parts.netloc, "accept": accept}
    stated = authorization(source)
    if stated:
        headers["authorization"] = stated
    client = await line.client()
    # Connected to the address that was looked at; the name is for the certificate and for the server.
    url = httpx.URL(base + path).copy_with(host=at)
    async with client.stream("GET", url, headers=headers, extensions={"sni_hostname": host}) as response:
        status = response.status_code
        if status in _NOT_THERE:
            raise NotThere(f"The imaging source {source.name} does not have it")
        if status in _REFUSES_ONE:
            raise Untrue.because(source.name, "status", status)
        if status not in (200, 204, 206):
            raise SourceFailed.because(source.name, "status", status)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise Untrue(f"The imaging source {source.name} sends a compressed answer, which is not read")
        yield response


async def fetch_head(line: Line, path: str) -> Head:
    """Return the header of an instance; what follows it is not waited for.

    Args:
        line: To the source; inside its `asking`.
        path: `/studies/…/series/…/instances/…`.

    Raises:
        SourceFailed: it is not to be had.
        TooLong: it is too large to be read so.
    """
    head = Head()
    with suppress(Whole):
        await _fetch(line, path, head, MOST_BYTES * 2)
    return head


async def fetch_instance(line: Line, path: str, incoming: Incoming, *, most_bytes: int) -> None:
    """Write one instance as the source has it into `incoming`; whether it is the right one is the caller's to look at.

    Args:
        line: To the source; inside its `asking`.
        path: `/studies/…/series/…/instances/…`.
        incoming: An empty file.
        most_bytes: Of the instance.

    Raises:
        SourceFailed: it is not to be had, or too large.
    """
    await _fetch(line, path, incoming, most_bytes)


async def _fetch(line: Line, path: str, taker: Sink, most_bytes: int) -> None:
    """Write one instance, which comes alone or as the only part, into what takes it."""
    async with _answer(line, line.source.wado, path, INSTANCE) as response:
        kind = response.headers.get("content-type", "")
        chunks = _counted(line, response)
        try:
            if _is(kind, "multipart/related"):
                await _one_part(line, chunks, boundary_of(kind), taker, most_bytes)
            elif _is(kind, "application/dicom"):
                await _plain(line, chunks, taker, most_bytes)
            else:
                raise Untrue(f"The imaging source {line.source.name} answers another media type than DICOM")
        except TooLarge as error:
            raise Untrue(f"The imaging source {line.source.name} sends more than {most_bytes} bytes") from error
        except MalformedMultipart as error:
            raise Untrue(f"The imaging source {line.source.name} sends a malformed answer: {error}") from error


async def fetch_json(line: Line, base: str, path: str, query: Sequence[tuple[str, str]] = ()) -> list[dict[str, Any]]:
    """Return what the source answers in DICOM JSON; nothing for no result.

    Args:
        line: To the source; inside its `asking`.
        base: Its registered address of WADO-RS or QIDO-RS.
        path: What follows.
        query: Parameters.

    Raises:
        SourceFailed: it is not to be had, is too large, or no DICOM JSON.
    """
    name = line.source.name
    asked = f"{path}?{urlencode(query)}" if query else path
    async with _answer(line, base, asked, DICOM_JSON) as response:
        if response.status_code == 204:
            return []
        kind = response.headers.get("content-type", "")
        if not (_is(kind, DICOM_JSON) or _is(kind, "application/json")):
            raise Untrue(f"The imaging source {name} answers no DICOM JSON")
        body = bytearray()
        async for chunk in _counted(line, response):
            body += chunk
            if len(body) > MOST_JSON_BYTES:
                raise Untrue(f"The imaging source {name} answers more than {MOST_JSON_BYTES} bytes")
    try:
        found = orjson.loads(bytes(body)) if body.strip() else []
    except orjson.JSONDecodeError as error:
        raise Untrue(f"The imaging source {name} answers no JSON") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Untrue(f"The imaging source {name} answers JSON that is no DICOM JSON")
    return found


def _is(kind: str, wanted: str) -> bool:
    found = parse(kind)
    return bool(found) and found[0].name == wanted


async def _counted(line: Line, response: httpx.Response) -> AsyncIterator[bytes]:
    counter = OCTETS.labels(line.source.name)
    async for chunk in response.aiter_raw():
        counter.inc(len(chunk))
        yield chunk


async def _plain(line: Line, chunks: AsyncIterator[bytes], taker: Sink, most_bytes: int) -> None:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > most_bytes:
            raise TooLarge(line.source.name)
        taker.write(memoryview(chunk))


async def _one_part(line: Line, chunks: AsyncIterator[bytes], boundary: str, taker: Sink, most_bytes: int) -> None:
    opened: list[Sink] = []

    def open_file() -> Sink:
        if opened:
            raise Untrue(f"The imaging source {line.source.name} sends more than it was asked for")
        opened.append(taker)
        return taker

    most = most_bytes + MOST_ENVELOPE_BYTES
    async for _ in read_parts(chunks, boundary, open_file, max_part_bytes=most_bytes, max_request_bytes=most):
        pass
    if not opened:
        raise Untrue(f"The imaging source {line.source.name} sends no instance")
