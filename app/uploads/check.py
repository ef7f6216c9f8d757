"""Files in what is sent: each is found wherever it stands, looked at, and refused with all that came with it."""

import asyncio
import logging
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from app.access.events import by
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.db import DatabaseUnavailable
from app.uploads.active import active_content
from app.uploads.clamd import NotScanned, scan
from fhir.errors import FhirError

if TYPE_CHECKING:
    from app.records.request import Request

SHORTEST = 24
"""Characters of the shortest text that is taken for a file."""

THREAD_BYTES = 200_000

logger = logging.getLogger(__name__)


class Dangerous(FhirError):
    """A file is, or holds, what is not stored here."""

    status = 422
    code = "security"


def _decoded(text: str) -> bytes:
    """Return the file that a text is in base64; empty when it is none."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except (Base64Error, ValueError):
        return b""


def files(tree: Any) -> Iterator[tuple[str, bytes]]:
    """Yield the files in a tree of JSON, each with its path; what stands in base64 is taken for one."""
    waiting: list[tuple[str, Any]] = [("", tree)]
    while waiting:
        path, one = waiting.pop()
        if isinstance(one, str):
            if len(one) >= SHORTEST and (found := _decoded(one)):
                yield path, found
        elif isinstance(one, Mapping):
            waiting += [(f"{path}.{name}" if path else str(name), below) for name, below in one.items()]
        elif isinstance(one, list):
            waiting += [(f"{path}[{number}]", below) for number, below in enumerate(one)]


def _in_body(body: bytes) -> list[tuple[str, bytes]]:
    try:
        tree = orjson.loads(body)
    except orjson.JSONDecodeError:
        # What is no JSON is refused by whoever reads it, or is not stored.
        return []
    kind = tree.get("resourceType", "") if isinstance(tree, dict) else ""
    return [(f"{kind}.{path}" if kind else path, found) for path, found in files(tree)]


async def check_body(request: "Request", body: bytes) -> None:
    """Refuse JSON that holds a dangerous file.

    Raises:
        Dangerous: it does.
        DatabaseUnavailable: the virus scanner cannot be asked; what it did not see is not stored.
    """
    settings = request.hub.settings
    if settings.active_content == "allow" and not settings.clamd:
        return
    found = _in_body(body) if len(body) < THREAD_BYTES else await asyncio.to_thread(_in_body, body)
    await check_files(request, found)


async def check_files(request: "Request", found: Iterable[tuple[str, bytes]], *, only_by_scanner: bool = False) -> None:
    """Refuse files of which one is dangerous.

    Args:
        request: Who sends them.
        found: Where each stands, and its bytes.
        only_by_scanner: Whether somebody else refuses programs and macros, with a better word for it.

    Raises:
        Dangerous: one is.
        DatabaseUnavailable: the virus scanner cannot be asked.
    """
    settings = request.hub.settings
    looks = settings.active_content == "refuse" and not only_by_scanner
    for path, body in found:
        words = active_content(body) if looks else None
        if words is None and settings.clamd:
            try:
                words = await scan(settings.clamd, body)
            except NotScanned as error:
                logger.error("The virus scanner cannot be asked: %s", error)
                raise DatabaseUnavailable("The virus scanner cannot be asked") from error
        if words is not None:
            await _record(request, f"{path}: {words}")
            raise Dangerous(f"This file is not stored: {words}", path)


async def _record(request: "Request", words: str) -> None:
    caller = request.caller
    event = Event(
        recorded=request.now,
        action="E",
        interaction="malware",
        outcome="8",
        outcome_desc=words[:500],
        client=caller.client,
        **by(caller),
        network=request.network or None,
        method=request.method,
        path=request.path,
    )
    try:
        await request.hub.audit.append([event])
    except AuditUnavailable as error:
        raise DatabaseUnavailable("The refusal cannot be recorded") from error
