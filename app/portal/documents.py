"""A document: its text or its sections on a page, its attachments as they were sent.

https://hl7.org/fhir/R4/documentreference.html, https://hl7.org/fhir/R4/composition.html
"""

import asyncio
import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal.attachments.cda import Embedded, read_cda
from app.portal.attachments.held import octets_of
from app.portal.attachments.kinds import PICTURE, XML, disposition, kind_of, type_of
from app.portal.attachments.markup import Unreadable
from app.portal.attachments.pictures import draw_page
from app.portal.attachments.shown import shown
from app.portal.gate import Visit, view
from app.portal.items import item
from app.portal.page import HEADERS, Page
from app.portal.people import body_of
from app.portal.sites import read_sites
from fhir.errors import Deleted, NotFound

TYPES = ("DocumentReference", "Composition")

_BLOCK = re.compile(r"</(?:p|div|tr|li|h[1-6]|table|caption)>|<br\s*/?>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document."""

    title: str
    text: str
    depth: int


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
        yield Section(title, plain(str(part.get("text", {}).get("div", ""))), depth)
        yield from sections(part.get("section", ()), depth + 1)


def _attachments(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one.get("attachment", {}) for one in body.get("content", ())]


async def _read(visit: Visit, request: Request) -> Any:
    type_name: str = request.path_params["type"]
    if type_name not in TYPES:
        raise NotFound("There is no such document")
    return await visit.fhir.record.read(type_name, request.path_params["id"])


async def _patient(visit: Visit, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the Patient that a document was filed under; None when it does not exist for the caller."""
    kind, _, id_ = str(body.get("subject", {}).get("reference", "")).partition("/")
    if kind != "Patient" or not id_:
        return None
    try:
        return body_of(await visit.fhir.record.read("Patient", id_))
    except (NotFound, Deleted):
        return None


async def document(request: Request) -> Response:
    """Show a document."""

    async def work(visit: Visit) -> Page:
        stored = await _read(visit, request)
        one = item(stored)
        if one is None:
            raise NotFound("The document was entered in error")
        address = f"/documents/{stored.type}/{stored.id}"
        attachments = _attachments(one.body)
        patient = await _patient(visit, one.body) if attachments else None
        values = {
            "document": one,
            "address": address,
            "sections": list(sections(one.body.get("section", ()))),
            "attachments": await shown(visit, attachments, address, patient),
            "sites": await read_sites(visit.hub),
            "is_own": stored.custodian == visit.caller.organisation,
            "patient": await visit.hub.patient_reference(stored.patient_key) if stored.patient_key > 0 else "",
        }
        return Page("document.html", values)

    return await view(request, "timeline", work, interaction="read", action="R")


async def _attached(visit: Visit, request: Request) -> tuple[Mapping[str, Any], bytes]:
    """Return the attachment that an address names, and its bytes."""
    attachments = _attachments(body_of(await _read(visit, request)))
    number: int = request.path_params["number"]
    if number >= len(attachments):
        raise NotFound("There is no such attachment")
    return attachments[number], await octets_of(visit, attachments[number])


def _file(octets: bytes, title: str, media_type: str, *, saved: bool) -> Response:
    """Return a file, as it was sent: a PDF for the browser to show, everything else to save."""
    is_pdf = media_type == "application/pdf" and not saved
    # A PDF not in `sandbox`: browsers then refuse to show it. Its scripts reach no page; nothing else is inline.
    policy = "default-src 'none'; frame-ancestors 'none'" + ("" if is_pdf else "; sandbox")
    headers = {
        **HEADERS,
        "content-security-policy": policy,
        "content-disposition": disposition(title, media_type, inline=is_pdf),
    }
    return Response(octets, media_type="application/pdf" if is_pdf else "application/octet-stream", headers=headers)


async def content(request: Request) -> Response:
    """Answer an attachment as it was sent; with `?save` always as a file to save."""

    async def work(visit: Visit) -> Response:
        attachment, octets = await _attached(visit, request)
        media_type = type_of(attachment)[0]
        saved = "save" in request.query_params
        return _file(octets, str(attachment.get("title", "")), media_type, saved=saved)

    return await view(request, "timeline", work, interaction="read", action="R")


def _embedded(octets: bytes, number: int) -> Embedded:
    """Return a file that is in a CDA document.

    Raises:
        NotFound: there is none.
    """
    try:
        found = read_cda(octets, "")
    except Unreadable as error:
        raise NotFound("There is no such file") from error
    if found is None or number >= len(found.embedded):
        raise NotFound("There is no such file")
    return found.embedded[number]


def _drawn(octets: bytes, media_type: str, number: int) -> tuple[bytes, str]:
    """Return a page of a picture, or a picture in a CDA document, drawn anew, and its media type."""
    kind = kind_of(media_type, octets)
    try:
        if kind == XML:
            return draw_page(_embedded(octets, number).octets(), 0)
        if kind == PICTURE:
            return draw_page(octets, number)
    except Unreadable as error:
        raise NotFound("There is no such picture") from error
    raise NotFound("There is no such picture")


async def picture(request: Request) -> Response:
    """Answer a page of a picture, or a picture that is in a CDA document, drawn anew."""

    async def work(visit: Visit) -> Response:
        attachment, octets = await _attached(visit, request)
        number: int = request.path_params["picture"]
        made, media_type = await asyncio.to_thread(_drawn, octets, type_of(attachment)[0], number)
        headers = {**HEADERS, "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox"}
        return Response(made, media_type=media_type, headers=headers)

    return await view(request, "timeline", work, interaction="read", action="R")


async def embedded(request: Request) -> Response:
    """Answer a file that is in a CDA document, as it was sent."""

    async def work(visit: Visit) -> Response:
        attachment, octets = await _attached(visit, request)
        if kind_of(type_of(attachment)[0], octets) != XML:
            raise NotFound("There is no such file")
        found = await asyncio.to_thread(_embedded, octets, request.path_params["file"])
        try:
            inner = found.octets()
        except Unreadable as error:
            raise NotFound("There is no such file") from error
        saved = "save" in request.query_params
        return _file(inner, str(attachment.get("title", "")), found.media_type, saved=saved)

    return await view(request, "timeline", work, interaction="read", action="R")
