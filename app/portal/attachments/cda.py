"""An HL7 CDA R2 document as it is shown: who it is of and by, its sections, the pictures and files it carries.

Rendered from what it says by this hub's own code. A stylesheet that it names is not run, an address that it names is
not loaded. https://www.hl7.org/implement/standards/product_brief.cfm?product_id=7, HS007, HS008 and HS032 of Japan
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.portal.attachments.cda_header import Fact, facts, person_of
from app.portal.attachments.cda_narrative import Narrator
from app.portal.attachments.markup import V3, Unreadable, parse_xml, words
from app.portal.attachments.subject import Told

MOST_SECTIONS = 1_000
MOST_EMBEDDED = 200


@dataclass(frozen=True, slots=True)
class Part:
    """A section."""

    title: str
    html: Markup
    """Its narrative, made of elements and attributes of ours only."""
    depth: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file that is in the document."""

    id: str
    media_type: str
    text: str
    """Base64."""

    def octets(self) -> bytes:
        """Return its bytes.

        Raises:
            Unreadable: it is no base64.
        """
        try:
            return b64decode("".join(self.text.split()))
        except (Base64Error, ValueError) as error:
            raise Unreadable("no base64") from error


@dataclass(frozen=True, slots=True)
class Cda:
    """A document."""

    title: str
    facts: Sequence[Fact]
    person: Told
    """Whom it says it is of."""
    parts: Sequence[Part]
    embedded: Sequence[Embedded]
    body: int | None
    """Which embedded file the whole body is, when it has no sections."""
    text: str
    """The body, when it is a text."""
    absent: str
    """The address of a body that is elsewhere; it is not loaded."""


def _files(root: Any) -> Iterator[Embedded]:
    """Yield the files in the document: what narratives show, then the body that is no sections."""
    for media in root.iter(f"{V3}observationMedia"):
        value = media.find(f"{V3}value")
        if value is not None and value.get("representation") == "B64" and not value.get("compression"):
            yield Embedded(media.get("ID", ""), value.get("mediaType", "").lower(), value.text or "")
    text = root.find(f"{V3}component/{V3}nonXMLBody/{V3}text")
    if text is not None and text.get("representation") == "B64" and not text.get("compression"):
        yield Embedded("", text.get("mediaType", "").lower(), "".join(text.itertext()))


def _sections(parent: Any, narrator: Narrator, depth: int) -> Iterator[Part]:
    for section in parent.iterfind(f"{V3}component/{V3}section"):
        text = section.find(f"{V3}text")
        title = words(section.find(f"{V3}title"))
        code = section.find(f"{V3}code")
        if not title and code is not None:
            title = code.get("displayName", "")
        yield Part(title, Markup() if text is None else narrator.render(text), depth)
        yield from _sections(section, narrator, depth + 1)


def is_cda(root: Any) -> bool:
    """Return whether a root element is that of a CDA document."""
    return bool(root.tag == f"{V3}ClinicalDocument")


def read_cda(octets: bytes, address: str) -> Cda | None:
    """Return a document, None for XML that is no CDA.

    Args:
        octets: The document.
        address: Where its pictures are answered, without their number and the slash before it.

    Raises:
        Unreadable: it is no XML, or not of a form that is read.
    """
    root = parse_xml(octets)
    if not is_cda(root):
        return None
    files = list(_files(root))[:MOST_EMBEDDED]
    narrator = Narrator(
        {one.id: n for n, one in enumerate(files) if one.id}, [one.media_type for one in files], address
    )
    body = root.find(f"{V3}component/{V3}structuredBody")
    parts = [] if body is None else list(_sections(body, narrator, 0))[:MOST_SECTIONS]
    outside = root.find(f"{V3}component/{V3}nonXMLBody/{V3}text")
    is_file = bool(files) and files[-1].id == "" and outside is not None
    reference = None if outside is None else outside.find(f"{V3}reference")
    return Cda(
        title=words(root.find(f"{V3}title")),
        facts=facts(root),
        person=person_of(root),
        parts=parts,
        embedded=files,
        body=len(files) - 1 if is_file else None,
        text="" if outside is None or is_file else "".join(outside.itertext()).strip(),
        absent="" if reference is None else reference.get("value", ""),
    )
