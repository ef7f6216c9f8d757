"""Attachments by their addresses: a file as it was sent, a picture drawn anew, a file that is in a CDA document."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal.attachments.cda import Embedded, read_cda
from app.portal.attachments.held import attachments_of, octets_of, read_document
from app.portal.attachments.kinds import PICTURE, XML, disposition, kind_of, type_of
from app.portal.attachments.markup import Unreadable
from app.portal.attachments.pictures import draw_page
from app.portal.gate import Visit, view
from app.portal.page import HEADERS
from app.portal.people import body_of
from fhir.errors import NotFound


async def _attached(visit: Visit, request: Request) -> tuple[Mapping[str, Any], bytes]:
    """Return the attachment that an address names, and its bytes."""
    attachments = attachments_of(body_of(await read_document(visit, request)))
    number: int = request.path_params["number"]
    if number >= len(attachments):
        raise NotFound("There is no such attachment")
    return attachments[number], await octets_of(visit, attachments[number])


def file_answer(octets: bytes, title: str, media_type: str, *, saved: bool) -> Response:
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
        return file_answer(octets, str(attachment.get("title", "")), media_type, saved=saved)

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


def drawn(octets: bytes, media_type: str, number: int) -> tuple[bytes, str]:
    """Return a page of a picture, or a picture in a CDA document, drawn anew, and its media type.

    Raises:
        NotFound: there is none.
    """
    kind = kind_of(media_type, octets)
    try:
        if kind == XML:
            return draw_page(_embedded(octets, number).octets(), 0)
        if kind == PICTURE:
            return draw_page(octets, number)
    except Unreadable as error:
        raise NotFound("There is no such picture") from error
    raise NotFound("There is no such picture")


def picture_answer(octets: bytes, media_type: str) -> Response:
    """Return a picture that was drawn anew."""
    headers = {**HEADERS, "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox"}
    return Response(octets, media_type=media_type, headers=headers)


async def embedded_in(octets: bytes, media_type: str, number: int, title: str, *, saved: bool) -> Response:
    """Return a file that is in a CDA document, as it was sent.

    Raises:
        NotFound: there is none.
    """
    if kind_of(media_type, octets) != XML:
        raise NotFound("There is no such file")
    found = await asyncio.to_thread(_embedded, octets, number)
    try:
        inner = found.octets()
    except Unreadable as error:
        raise NotFound("There is no such file") from error
    return file_answer(inner, title, found.media_type, saved=saved)


async def picture(request: Request) -> Response:
    """Answer a page of a picture, or a picture that is in a CDA document, drawn anew."""

    async def work(visit: Visit) -> Response:
        attachment, octets = await _attached(visit, request)
        number: int = request.path_params["picture"]
        return picture_answer(*await asyncio.to_thread(drawn, octets, type_of(attachment)[0], number))

    return await view(request, "timeline", work, interaction="read", action="R")


async def embedded(request: Request) -> Response:
    """Answer a file that is in a CDA document, as it was sent."""

    async def work(visit: Visit) -> Response:
        attachment, octets = await _attached(visit, request)
        title, saved = str(attachment.get("title", "")), "save" in request.query_params
        number: int = request.path_params["file"]
        return await embedded_in(octets, type_of(attachment)[0], number, title, saved=saved)

    return await view(request, "timeline", work, interaction="read", action="R")
