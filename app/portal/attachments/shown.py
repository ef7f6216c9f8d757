"""An attachment as a page shows it: each kind by its own reader, in a thread; what cannot be read is to be saved."""

import asyncio
import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.portal.attachments import kinds
from app.portal.attachments.cda import Cda, read_cda
from app.portal.attachments.held import binary_of, octets_of
from app.portal.attachments.markup import Unreadable
from app.portal.attachments.mfer import Recording, read_mfer
from app.portal.attachments.pictures import count_pages
from app.portal.attachments.subject import Told, differences
from app.portal.attachments.waveform import Trace, trace
from app.portal.gate import Visit
from fhir.errors import NotFound

MOST_CHARACTERS = 500_000
"""Of a text that is shown; the rest is had by saving the file."""

MOST_ATTACHMENTS = 50
"""Of a document whose content is shown; further ones are files to save."""

_NO_CHARACTER_SETS = frozenset(("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"))
"""Codecs of the language that are none: of these one takes the square of the time."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a document."""

    number: int
    title: str
    content_type: str
    kind: str = kinds.FILE
    text: str = ""
    """What it says, when it is a text."""
    is_cut: bool = False
    """Whether the text goes on."""
    pages: int = 0
    """Of a picture."""
    cda: Cda | None = None
    recording: Recording | None = None
    traces: Sequence[Trace] = ()
    elsewhere: str = ""
    """The address it has outside this hub, as a text: it is not loaded."""
    is_absent: bool = False
    """Whether it is not to be had here."""
    unreadable: bool = False
    """Whether it is not what its type says."""
    differs: Sequence[str] = ()
    """In what the person that it says it is of is not the one it was filed under."""

    @property
    def is_inline(self) -> bool:
        """Whether a browser shows it by itself."""
        return self.kind == kinds.PDF

    @property
    def told(self) -> Told:
        """Whom it says it is of."""
        if self.cda is not None:
            return self.cda.person
        return self.recording.person if self.recording is not None else Told()


def decoded(octets: bytes, charset: str) -> str:
    """Return a text; what its character set does not hold is marked."""
    try:
        known = codecs.lookup(charset).name.replace("_", "-")
        return octets.decode("utf-8" if known in _NO_CHARACTER_SETS else known, "replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", "replace")


def _text(one: Attachment, octets: bytes, charset: str) -> Attachment:
    text = decoded(octets[: MOST_CHARACTERS * 4], charset)
    return replace(one, text=text[:MOST_CHARACTERS], is_cut=len(text) > MOST_CHARACTERS)


def read_attachment(one: Attachment, octets: bytes, charset: str, address: str) -> Attachment:
    """Return an attachment with what is shown of its bytes.

    Args:
        one: The attachment.
        octets: Its bytes.
        charset: Its character set, if it is a text.
        address: The page of the attachment.
    """
    kind = kinds.kind_of(one.content_type, octets)
    one = replace(one, kind=kind)
    try:
        if kind == kinds.XML:
            found = read_cda(octets, f"{address}/pictures")
            return _text(one, octets, charset) if found is None else replace(one, cda=found)
        if kind == kinds.MFER:
            recording = read_mfer(octets)
            return replace(one, recording=recording, traces=[trace(lead) for lead in recording.leads])
        if kind == kinds.PICTURE:
            pages = count_pages(octets)
            return replace(one, pages=pages, unreadable=not pages)
        return _text(one, octets, charset) if kind == kinds.TEXT else one
    except Unreadable:
        return replace(one, unreadable=True)


async def _shown(visit: Visit, number: int, attachment: Mapping[str, Any], address: str) -> Attachment:
    media_type, charset = kinds.type_of(attachment)
    one = Attachment(number, str(attachment.get("title") or media_type), media_type)
    url = str(attachment.get("url", ""))
    if "data" not in attachment and not binary_of(url, visit.hub.settings.fhir_address):
        return replace(one, elsewhere=url[:2_000], is_absent=True)
    if number >= MOST_ATTACHMENTS:
        return one
    try:
        octets = await octets_of(visit, attachment)
    except NotFound:
        return replace(one, is_absent=True)
    return await asyncio.to_thread(read_attachment, one, octets, charset, f"{address}/content/{number}")


async def shown_attachments(
    visit: Visit, attachments: Sequence[Mapping[str, Any]], address: str, patient: Mapping[str, Any] | None
) -> list[Attachment]:
    """Return the attachments of a document as its page shows them.

    Args:
        visit: The request.
        attachments: FHIR Attachments.
        address: The page of the document.
        patient: The Patient that the document was filed under, None when it does not exist for the caller.
    """
    found = [await _shown(visit, number, one, address) for number, one in enumerate(attachments)]
    if patient is None:
        return found
    return [replace(one, differs=differences(one.told, patient)) for one in found]
