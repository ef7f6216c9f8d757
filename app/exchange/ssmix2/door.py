"""The hub's door for the files of SS-MIX2 stores: `POST /exchange/ssmix2/files`, a batch of files as NDJSON.

A line is a file, `{"path": "999/901/…", "body": "<base64>"}`, or a content folder of an extended store, with `parts`,
an object of its files, instead of `body`. The answer tells of each what became of it; docs/ssmix2.md.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from app.access.transactions import SSMIX2
from app.audit.record import Event
from app.doors import Door, enter
from app.exchange.hl7v2.message import Finding
from app.exchange.ssmix2.batch import source_of, store
from app.exchange.ssmix2.filing import Outcome
from app.exchange.ssmix2.sent import Sent
from app.records.content import is_packed, unpacked
from app.records.events import events
from app.records.request import FhirRequest, Request
from app.records.response import Response
from fhir.errors import Forbidden, InsufficientScope, InvalidValue, MethodNotAllowed, UnsupportedMediaType

PATH = "/exchange/ssmix2/files"
NDJSON = (b"application/x-ndjson", b"application/ndjson")
MOST_FILES = 1_000
LONGEST_PATH = 1_000
"""Characters."""


def _find(request: FhirRequest) -> Callable[[FhirRequest], Awaitable[Response]]:
    request.interaction, request.action = "operation", "C"
    return _answer


async def _tell(request: FhirRequest, status: int) -> list[Event]:
    return await events(request, (), status)


SSMIX2_DOOR = Door(FhirRequest, _find, _tell)


def check_caller(request: Request) -> None:
    """Refuse who is no system of a site, or has no right to send files.

    Raises:
        Forbidden: it is none.
        InsufficientScope: its token is for something else.
    """
    caller = request.caller
    if caller.role != "system" or caller.account:
        raise Forbidden("Only a site's own system sends the files of its store")
    if caller.scopes is not None and SSMIX2 not in caller.scopes.text.split():
        raise InsufficientScope(f"The token has no scope {SSMIX2}")


async def _answer(request: FhirRequest) -> Response:
    if request.method != "POST":
        raise MethodNotAllowed("Files are sent here by POST", allowed=("POST",))
    check_caller(request)
    media = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media not in NDJSON:
        raise UnsupportedMediaType("Files are sent as application/x-ndjson")
    source = await source_of(request.hub, request.caller.organisation)
    limit = request.hub.settings.bundle_bytes
    body = await Request.body(request, limit)
    if is_packed(request.headers.get(b"content-encoding", b"")):
        body = unpacked(body, limit)
    sent = read_batch(body)
    outcomes = await store(request, source, sent)
    told = [_told(one, outcome) for one, outcome in zip(sent, outcomes, strict=True)]
    return Response(200, orjson.dumps({"files": told}), [(b"content-type", b"application/json")])


def _told(one: Sent, outcome: Outcome) -> dict[str, Any]:
    return {"path": one.path, "state": outcome.state, "findings": [told_of(each) for each in outcome.findings]}


def told_of(one: Finding) -> dict[str, Any]:
    """Return a finding as it is told."""
    return {"segment": one.segment, "index": one.index, "field": one.field, "text": one.text}


def read_batch(body: bytes) -> list[Sent]:
    """Return the files of a batch.

    Raises:
        InvalidValue: a line is no file, a path comes twice, or there are too many.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > MOST_FILES:
        raise InvalidValue(f"A batch has at most {MOST_FILES} files")
    found = [_read_line(line, number) for number, line in enumerate(lines, start=1)]
    if len({one.path for one in found}) < len(found):
        raise InvalidValue("A path comes twice in the batch")
    return found


def _read_line(line: bytes, number: int) -> Sent:
    try:
        told = orjson.loads(line)
        path = told["path"]
        if not isinstance(path, str) or len(path) > LONGEST_PATH:
            raise InvalidValue(f"Line {number} has no path, or a longer one than {LONGEST_PATH} characters")
        if "parts" in told:
            return Sent(path, parts=tuple((name, _octets(text)) for name, text in told["parts"].items()))
        return Sent(path, _octets(told["body"]))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, Base64Error, ValueError) as error:
        raise InvalidValue(f"Line {number} is no file with a path and its bytes in base64") from error


def _octets(text: str) -> bytes:
    return b64decode(text, validate=True)


class Ssmix2Route:
    """The address of the door."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = await enter(SSMIX2_DOOR, scope, receive)
        await response.send(send, head=scope["method"] == "HEAD")
