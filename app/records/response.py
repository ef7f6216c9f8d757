"""What the FHIR doors answer: bytes, a status and headers; and how a failure is rendered.

https://hl7.org/fhir/R4/http.html
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import ceil
from wsgiref.handlers import format_date_time

import orjson
from starlette.types import Receive, Send

from fhir.errors import (
    FhirError,
    InsufficientScope,
    MethodNotAllowed,
    RangeNotSatisfiable,
    TooLarge,
    TooManyRequests,
    Unauthorized,
    Unprocessable,
    UnsupportedPatch,
)
from fhir.issue import Issue, outcome

Header = tuple[bytes, bytes]

JSON = (b"content-type", b"application/fhir+json; charset=utf-8")
PRIVATE = (b"cache-control", b"no-store")
NO_SNIFF = (b"x-content-type-options", b"nosniff")
_BODILESS = frozenset((204, 304))
"""Statuses whose answers have no body, nor say how long it is."""

TOO_MANY_REQUESTS = 429

_ALWAYS = (JSON, PRIVATE, NO_SNIFF)


@dataclass(slots=True)
class Response:
    """An answer that has not left yet."""

    status: int = 200
    body: bytes = b""
    headers: list[Header] = field(default_factory=list)

    async def send(self, send: Send, *, head: bool = False) -> None:
        """Send it; without its body when `head`."""
        headers = self.headers
        if self.status not in _BODILESS:
            headers = [*headers, (b"content-length", str(len(self.body)).encode())]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if head else self.body})


async def _left(receive: Receive) -> None:
    """Wait until whoever asked has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(slots=True)
class Streamed:
    """An answer whose body is made while it leaves.

    Who makes the chunks sees to it that what a chunk discloses is on record before it is given out.
    """

    chunks: AsyncIterator[bytes]
    status: int = 200
    headers: list[Header] = field(default_factory=list)
    length: int | None = None
    """Bytes, when they are known before."""

    async def send(self, send: Send, *, head: bool = False, receive: Receive | None = None) -> None:
        """Send it; without its body when `head`.

        Args:
            send: The connection's.
            head: Whether only its headers are wanted.
            receive: The connection's, of which the request was taken: no more is made than whoever asked waits for.
        """
        headers = [*self.headers]
        if self.length is not None:
            headers.append((b"content-length", str(self.length).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        try:
            if not head:
                await self._send_chunks(send, receive)
        finally:
            if isinstance(self.chunks, AsyncGenerator):
                await self.chunks.aclose()
        await send({"type": "http.response.body", "body": b""})

    async def _send_chunks(self, send: Send, receive: Receive | None) -> None:
        # What is sent to nobody raises nothing: a study would be read, or fetched from a PACS, to its end.
        leaving = asyncio.create_task(_left(receive)) if receive is not None else None
        try:
            async for chunk in self.chunks:
                if leaving is not None and leaving.done():
                    break
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            if leaving is not None:
                leaving.cancel()

    async def gathered(self, most_bytes: int) -> Response:
        """Return the whole answer, as a part of another one.

        Raises:
            TooLarge: it has more than `most_bytes`; the rest is not made.
        """
        parts: list[bytes] = []
        size = 0
        async for chunk in self.chunks:
            size += len(chunk)
            if size > most_bytes:
                # A traceback keeps this frame alive: what was gathered so far must not stay with it.
                parts.clear()
                raise TooLarge(f"In this form an answer has at most {most_bytes} bytes; ask for it alone, as JSON")
            parts.append(chunk)
        return Response(self.status, b"".join(parts), self.headers)


FhirResponse = Response | Streamed


@lru_cache(maxsize=4096)
def http_date(seconds: int) -> bytes:
    """Return an instant as HTTP headers write it."""
    return format_date_time(seconds).encode()


def streamed_response(chunks: AsyncIterator[bytes]) -> Streamed:
    """Return a FHIR answer that leaves chunk by chunk."""
    return Streamed(chunks, 200, [*_ALWAYS])


def fhir_response(
    body: bytes,
    *,
    status: int = 200,
    version: int | None = None,
    last_updated: int | None = None,
    location: str | None = None,
) -> Response:
    """Return a FHIR answer.

    Args:
        body: The JSON.
        status: The HTTP status.
        version: The resource's version, for `ETag`.
        last_updated: Microseconds since 1970 UTC, for `Last-Modified`.
        location: The address of the version that was made.
    """
    headers = [*_ALWAYS]
    if version is not None:
        headers.append((b"etag", b'W/"%d"' % version))
    if last_updated is not None:
        headers.append((b"last-modified", http_date(last_updated // 1_000_000)))
    if location is not None:
        headers.append((b"location", location.encode()))
    return Response(status, body, headers)


def outcome_response(status: int, issues: Sequence[Issue]) -> Response:
    """Return an OperationOutcome."""
    return Response(status, orjson.dumps(outcome(issues)), [*_ALWAYS])


def failure_response(error: FhirError) -> Response:
    """Return the OperationOutcome of a failure: the one place where failures become answers."""
    issues: list[Issue] = []
    if isinstance(error, Unprocessable):
        issues = [issue for issue in error.issues if isinstance(issue, Issue)]
    if not issues:
        issues = [Issue("error", error.code, error.expression or "", error.diagnostics, error.details)]
    response = outcome_response(error.status, issues)
    response.headers += _what_would_do(error)
    return response


def allow(methods: Sequence[str]) -> Header:
    """Return the header that names the methods of an address."""
    return b"allow", ", ".join(methods).encode()


def _what_would_do(error: FhirError) -> list[Header]:
    """Return the headers that tell what the caller may send instead.

    https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6, https://www.rfc-editor.org/rfc/rfc5789#section-2.2
    """
    if isinstance(error, Unauthorized):
        return [(b"www-authenticate", b'Bearer realm="Renkei"')]
    if isinstance(error, InsufficientScope):
        return [(b"www-authenticate", b'Bearer realm="Renkei", error="insufficient_scope"')]
    if isinstance(error, MethodNotAllowed):
        return [allow(error.allowed)]
    if isinstance(error, RangeNotSatisfiable):
        return [(b"content-range", f"bytes */{error.size}".encode())]
    if isinstance(error, UnsupportedPatch):
        return [(b"accept-patch", ", ".join(error.taken).encode())]
    if error.status == TOO_MANY_REQUESTS:
        wait = error.retry_after if isinstance(error, TooManyRequests) else 30
        return [(b"retry-after", str(max(1, ceil(wait))).encode())]
    return []
