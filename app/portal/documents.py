"""A document: its text or its sections on a page, its attachments.

https://hl7.org/fhir/R4/documentreference.html, https://hl7.org/fhir/R4/composition.html
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal.attachments.held import attachments_of, filed_under, read_document
from app.portal.attachments.shown import Attachment, shown_attachments
from app.portal.fhir_documents import page_of
from app.portal.gate import Visit, moved, view
from app.portal.items import item
from app.portal.narrative import Block, blocks
from app.portal.page import Page
from app.portal.people import body_of
from app.portal.signatures import shown_signatures
from app.portal.sites import read_sites
from app.portal.versions import versions_of
from fhir.errors import NotFound

_BLOCK = re.compile(r"</(?:p|div|tr|li|h[1-6]|table|caption)>|<br\s*/?>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a document."""

    title: str
    text: str
    depth: int
    blocks: Sequence[Block] = ()
    """The same text as it is shown: in lines and in tables."""


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


async def _shown(visit: Visit, body: Mapping[str, Any]) -> list[Attachment]:
    """Return the attachments of a document as its page shows them."""
    attachments = attachments_of(body)
    patient = await filed_under(visit, body) if attachments else None
    return await shown_attachments(visit, attachments, f"/documents/{body['resourceType']}/{body['id']}", patient)


async def document(request: Request) -> Response:
    """Show a document."""

    async def work(visit: Visit) -> Page | Response:
        stored = await read_document(visit, request)
        if page := page_of(visit, body_of(stored)):
            return moved(page)
        shown = item(stored)
        if shown is None:
            raise NotFound("The document was entered in error")
        values = {
            "document": shown,
            "address": f"/documents/{stored.type}/{stored.id}",
            "sections": list(sections(shown.body.get("section", ()))),
            "attachments": await _shown(visit, shown.body),
            "signatures": await shown_signatures(visit, stored),
            "sites": await read_sites(visit.hub),
            "versions": await versions_of(visit, stored),
            "is_own": stored.custodian == visit.caller.organisation,
            "patient": await visit.hub.patient_reference(stored.patient_key) if stored.patient_key > 0 else "",
        }
        return Page("document.html", values)

    return await view(request, "timeline", work, interaction="read", action="R")
