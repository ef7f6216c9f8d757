"""A document: its text or its sections on a page, its attachments as they were sent.

https://hl7.org/fhir/R4/documentreference.html, https://hl7.org/fhir/R4/composition.html
"""

import html
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal.gate import Visit, moved, view
from app.portal.items import item
from app.portal.narrative import Block, blocks
from app.portal.page import HEADERS, Page
from app.portal.people import body_of
from app.portal.sites import read_sites
from app.portal.versions import leads_to, versions_of
from fhir.errors import NotFound

TYPES = ("DocumentReference", "Composition")

INLINE = {"application/pdf": "application/pdf", "image/png": "image/png", "image/jpeg": "image/jpeg"}
"""What a browser may show by itself; anything else is offered as a file, so that it is never run as a page."""

TEXTS = ("text/plain", "text/markdown", "application/json", "application/fhir+json", "text/xml", "application/xml")

_BLOCK = re.compile(r"</(?:p|div|tr|li|h[1-6]|table|caption)>|<br\s*/?>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_BINARY = re.compile(r"(?:.*/)?Binary/([A-Za-z0-9\-.]{1,64})(?:/_history/[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document."""

    title: str
    text: str
    depth: int
    blocks: Sequence[Block] = ()
    """The same text as it is shown: in lines and in tables."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a document."""

    number: int
    title: str
    content_type: str
    text: str
    """What it says, when it is a text."""

    @property
    def is_inline(self) -> bool:
        """Whether a browser shows it."""
        return self.content_type in INLINE


def plain(div: str) -> str:
    """Return the text of a narrative, a line for each block and a tab between cells; no markup of it is kept."""
    text = re.sub(r"\s+", " ", div)
    text = _TAG.sub("", _CELL.sub("\t", _BLOCK.sub("\n", text)))
    lines = (line.strip() for line in html.unescape(text).split("\n"))
    return "\n".join(line for line in lines if line)


def sections(parts: Any, depth: int = 0) -> Iterator[Section]:
    """Yield the sections of a Composition, each before those within it."""
    for part in parts:
        title = str(part.get("title") or part.get("code", {}).get("text") or "")
        div = str(part.get("text", {}).get("div", ""))
        yield Section(title, plain(div), depth, tuple(blocks(div)))
        yield from sections(part.get("section", ()), depth + 1)


def _attachments(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one.get("attachment", {}) for one in body.get("content", ())]


def _type_of(attachment: Mapping[str, Any]) -> tuple[str, str]:
    """Return the media type of an attachment and its character set."""
    kind, _, parameters = str(attachment.get("contentType", "")).lower().partition(";")
    charset = parameters.partition("charset=")[2].strip(' "')
    return kind.strip(), charset or "utf-8"


async def _bytes(visit: Visit, attachment: Mapping[str, Any]) -> bytes:
    """Return what an attachment holds.

    Raises:
        NotFound: it is kept elsewhere, or does not exist for the caller.
    """
    data = attachment.get("data")
    if data is None:
        found = _BINARY.fullmatch(str(attachment.get("url", "")))
        if found is None:
            raise NotFound("The document is not kept here")
        data = body_of(await visit.fhir.record.read("Binary", found[1])).get("data", "")
    return b64decode(data)


async def _shown(visit: Visit, body: Mapping[str, Any]) -> list[Attachment]:
    shown = []
    for number, attachment in enumerate(_attachments(body)):
        kind, charset = _type_of(attachment)
        text = ""
        if kind in TEXTS:
            octets = await _bytes(visit, attachment)
            try:
                text = octets.decode(charset, "replace")
            except LookupError:
                text = octets.decode("utf-8", "replace")
        title = str(attachment.get("title") or kind)
        shown.append(Attachment(number, title, kind, text))
    return shown


async def _read(visit: Visit, request: Request) -> Any:
    type_name: str = request.path_params["type"]
    if type_name not in TYPES:
        raise NotFound("There is no such document")
    return await visit.fhir.record.read(type_name, request.path_params["id"])


async def document(request: Request) -> Response:
    """Show a document."""

    async def work(visit: Visit) -> Page | Response:
        stored = await _read(visit, request)
        if there := leads_to(body_of(stored)):
            return moved(there)
        shown = item(stored)
        if shown is None:
            raise NotFound("The document was entered in error")
        values = {
            "document": shown,
            "address": f"/documents/{stored.type}/{stored.id}",
            "sections": list(sections(shown.body.get("section", ()))),
            "attachments": await _shown(visit, shown.body),
            "sites": await read_sites(visit.hub),
            "versions": await versions_of(visit, stored),
            "is_own": stored.custodian == visit.caller.organisation,
            "patient": await visit.hub.patient_reference(stored.patient_key) if stored.patient_key > 0 else "",
        }
        return Page("document.html", values)

    return await view(request, "timeline", work, interaction="read", action="R")


async def content(request: Request) -> Response:
    """Answer an attachment as it was sent."""

    async def work(visit: Visit) -> Response:
        stored = await _read(visit, request)
        attachments = _attachments(body_of(stored))
        number: int = request.path_params["number"]
        if number >= len(attachments):
            raise NotFound("There is no such attachment")
        octets = await _bytes(visit, attachments[number])
        kind = INLINE.get(_type_of(attachments[number])[0])
        # Not `sandbox`: browsers then refuse to show a PDF. The types in INLINE run nothing.
        headers = {**HEADERS, "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
        if kind is None:
            headers["content-disposition"] = "attachment"
        return Response(octets, media_type=kind or "application/octet-stream", headers=headers)

    return await view(request, "timeline", work, interaction="read", action="R")
