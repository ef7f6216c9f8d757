"""From the XML of a resource to its JSON, read strictly: what the definition does not allow here is refused.

expat reads it, so no tree of the whole is built, every fault has its line, and a narrative stays the bytes it was.
A document type is refused where it begins: no entity is ever declared, expanded or fetched.

https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html
"""

import re
from dataclasses import dataclass
from xml.parsers import expat

import msgspec

from fhir.resource import DEPTH
from fhir.spec.elements import CONCRETE_TYPES
from fhir.xml.errors import InvalidXml
from fhir.xml.frame import Frame, at
from fhir.xml.markup import Markup
from fhir.xml.shape import FHIR, SCHEMA_INSTANCE, XHTML, Part, shape
from fhir.xml.to_xml import stands_alone
from fhir.xml.value import json_value

TAG_BYTES = 32_000_000
"""The largest tag or comment: a value stands in a tag. It is larger than the largest resource the hub takes."""

PIECE_BYTES = 1_000_000
"""So much is read at a time, so that other threads have their turn."""

_TAG = re.compile(rb'<(?:[^<>"\']|"[^"]*"|\'[^\']*\')*+>')
_HINTS = (f"{SCHEMA_INSTANCE} schemaLocation", f"{SCHEMA_INSTANCE} noNamespaceSchemaLocation")
_EXTENSION = {"extension": shape("Element")["extension"]}
_ENTRY = ["Bundle", "entry", "resource"]


@dataclass(frozen=True, slots=True)
class Converted:
    """A resource that was read from XML."""

    body: bytes
    """Its JSON."""
    entries: tuple[bytes | None, ...] = ()
    """Of a Bundle: the XML of each entry's resource, as it was sent; None where an entry has none."""


def to_json(body: bytes, *, depth: int = DEPTH) -> Converted:
    """Return the resource that an XML text is.

    Args:
        body: XML 1.0 in UTF-8, with or without byte order mark.
        depth: The most levels of elements.

    Raises:
        InvalidXml: it is not well-formed, not UTF-8, has a document type, another namespace, an element or
            attribute that R4 does not know here, is out of order or repeated, holds text between elements, has a
            value that is not of its type, a tag of more than 32 MB, or nests deeper than `depth`. Its expression
            leads to the place.
    """
    return _Reader(body, depth).read()


class _Reader:
    """One reading."""

    def __init__(self, body: bytes, depth: int) -> None:
        self._body = body
        self._depth = depth
        self._top = Frame(Part("", 0, "resource", "", many=False, attribute=False), {}, "")
        self._stack = [self._top]
        self._markup: Markup | None = None
        self._entries: list[bytes | None] = []
        self._start = 0
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters

    def read(self) -> Converted:
        if self._body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in self._body[:4]:
            raise InvalidXml("FHIR is XML 1.0 in UTF-8, not in UTF-16 (line 1 column 1).")
        try:
            self._parse()
        except expat.ExpatError as error:
            said = expat.ErrorString(error.code)
            place = f" (line {error.lineno} column {error.offset + 1})"
            raise InvalidXml(f"This is not well-formed XML: {said}{place}.", at(self._stack) or None) from None
        return Converted(self._stack[0].tree[""], tuple(self._entries))

    def _parse(self) -> None:
        whole = memoryview(self._body)
        for start in range(0, len(whole), PIECE_BYTES):
            self._parser.Parse(whole[start : start + PIECE_BYTES], False)
            # With each piece expat begins again at a tag that has not ended: endless ones would cost their square.
            if start + PIECE_BYTES - self._parser.CurrentByteIndex > TAG_BYTES:
                raise self._fault(f"A tag or comment is larger than {TAG_BYTES} bytes")
        self._parser.Parse(b"", True)

    def _fault(self, why: str, within: str = "") -> InvalidXml:
        place = f" (line {self._parser.CurrentLineNumber} column {self._parser.CurrentColumnNumber + 1})"
        path = ".".join([part for part in (at(self._stack), within[:64]) if part])
        return InvalidXml(f"{why}{place}.", path or None)

    def _declaration(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in ("utf-8", "us-ascii"):
            raise self._fault("FHIR is XML 1.0 in UTF-8")

    def _doctype(self, *_: object) -> None:
        raise self._fault("A document type, and so any entity, is refused")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if self._markup is not None:
            self._markup.begin(name, attributes)
            return
        if len(self._stack) > self._depth:
            raise self._fault(f"Elements are nested deeper than {self._depth} levels")
        space, _, local = name.rpartition(" ")
        around = self._top
        if around.part.kind == "resource":
            frame = self._resource(space, local, around)
        else:
            frame = self._element(space, local, around)
        self._stack.append(frame)
        self._top = frame
        if frame.part.kind == "narrative":
            self._start = self._parser.CurrentByteIndex
            self._markup = Markup()
            self._markup.begin(name, attributes)
        elif attributes:
            self._attributes(frame, attributes)

    def _resource(self, space: str, local: str, around: Frame) -> Frame:
        if around.tree:
            raise self._fault("Only one resource stands here", local)
        if space != FHIR:
            raise self._fault(f"The namespace of FHIR is {FHIR}", local)
        if local not in CONCRETE_TYPES:
            raise self._fault("FHIR R4 has no such resource type", local)
        start = 0
        if len(self._stack) == 4 and [frame.name for frame in self._stack[1:]] == _ENTRY:
            start = self._parser.CurrentByteIndex
        part = Part(local, 0, "object", local, many=False, attribute=False)
        return Frame(part, shape(local), local, {"resourceType": local}, start)

    def _element(self, space: str, local: str, around: Frame) -> Frame:
        part = around.parts.get(local)
        if part is None or part.attribute:
            if space == FHIR and part is not None:
                raise self._fault("This is an attribute, not an element", local)
            raise self._fault("FHIR R4 has no such element here", local)
        if space != (XHTML if part.kind == "narrative" else FHIR):
            raise self._fault(f"The namespace is {XHTML if part.kind == 'narrative' else FHIR}", local)
        if part.place < around.place:
            raise self._fault("The element stands out of order", local)
        if part.place == around.place and not (part.many and local in around.began):
            raise self._fault("The element, or another form of it, is here already", local)
        around.place = part.place
        around.began.add(local)
        parts = shape(part.type) if part.kind == "object" else _EXTENSION if part.kind == "primitive" else {}
        return Frame(part, parts, local)

    def _attributes(self, frame: Frame, attributes: dict[str, str]) -> None:
        for name, text in attributes.items():
            part = frame.parts.get(name) if frame.part.kind == "object" else None
            if part is not None and part.attribute:
                frame.tree[name] = text
            elif frame.part.kind == "primitive" and name == "id":
                frame.tree["id"] = text
            elif frame.part.kind == "primitive" and name == "value":
                frame.value = json_value(text, frame.part.type)
                if frame.value is None:
                    raise self._fault(f"The value is not of the type {frame.part.type}")
            elif name not in _HINTS:
                raise self._fault("FHIR R4 has no such attribute here", name.rpartition(" ")[2])

    def _characters(self, text: str) -> None:
        if self._markup is not None:
            self._markup.text(text)
        elif not text.isspace():
            raise self._fault("Text stands between the elements; values are in the attribute `value`")

    def _end(self, name: str) -> None:
        if self._markup is not None:
            self._markup.end(name)
            if self._markup.open:
                return
            self._top.value = self._narrative(self._markup)
            self._markup = None
        frame = self._top
        if frame.part.kind == "primitive" or frame.part.kind == "narrative":
            if frame.value is None and not frame.tree:
                raise self._fault("An element has a value or children")
        elif not frame.tree:
            raise self._fault("An element has a value or children")
        self._close(frame)

    def _close(self, frame: Frame) -> None:
        self._stack.pop()
        around = self._top = self._stack[-1]
        if around.part.kind == "resource":
            frame.finish()
            # What is whole is kept as text, so that a large Bundle is never a tree as a whole.
            around.tree[""] = msgspec.json.encode(frame.tree)
            if frame.start:
                self._note_entry(frame.start)
        else:
            around.take(frame)

    def _note_entry(self, start: int) -> None:
        """Keep the XML of an entry's resource."""
        end = self._element_end(start)
        number = len(self._stack[1].tree.get("entry", ()))
        self._entries += [None] * (number + 1 - len(self._entries))
        self._entries[number] = self._body[start:end]

    def _element_end(self, start: int) -> int:
        """Return where the element ends that began at `start` and whose end is being read."""
        here = self._parser.CurrentByteIndex
        # Of an element without content, `<a/>`, expat is behind the only tag; otherwise it is before the last one.
        if self._body[here - 2 : here] == b"/>" and (only := _TAG.match(self._body, start)) and only.end() == here:
            return here
        return self._body.index(b">", here) + 1

    def _narrative(self, markup: Markup) -> str:
        """Return the XHTML as it was sent; written anew only if it leans on namespaces from outside."""
        text = self._body[self._start : self._element_end(self._start)].decode()
        if stands_alone(text):
            return text
        rebuilt = markup.written()
        if rebuilt is None:
            raise self._fault(f"A narrative is in the namespace {XHTML}")
        return rebuilt
