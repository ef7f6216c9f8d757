"""The Native DICOM Model: a data set of the DICOM JSON Model as XML, and back.

https://dicom.nema.org/medical/dicom/current/output/chtml/part19/chapter_A.html
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

from dicom.json_model import GROUPS, Json

NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
MAX_DEPTH = 32 * 4
"""Of elements: a sequence is an attribute, an item, and what lies in it."""
MAX_ELEMENTS = 200_000

_HEAD = f'<?xml version="1.0" encoding="UTF-8"?>\n<NativeDicomModel xmlns="{NAMESPACE}" xml:space="preserve">'
_COMPONENTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE = {"\r": "&#13;"}
"""A carriage return that is written as it is would be read as a line feed."""
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_VR = re.compile(r"[A-Z]{2}")
_WHOLE = frozenset({"IS", "US", "UL", "SS", "SL", "SV", "UV"})
_DECIMAL = frozenset({"DS", "FL", "FD"})


class InvalidModel(ValueError):
    """The text is no Native DICOM Model; the message is for the sender."""


def to_xml(model: Json) -> bytes:
    """Return a data set as an XML document in UTF-8; what XML cannot hold becomes U+FFFD."""
    return "".join([_HEAD, *_attributes(model), "</NativeDicomModel>"]).encode()


def _attributes(model: Json) -> Iterator[str]:
    for key, element in model.items():
        tag = int(key, 16)
        named = f' keyword="{keyword_for_tag(tag)}"' if keyword_for_tag(tag) else ""
        if tag >> 16 & 1 and tag & 0xFF00:
            creator = model.get(f"{tag >> 16:04X}{tag >> 8 & 0xFF:04X}", {})
            name = next(iter(creator.get("Value", ())), None)
            named = f" privateCreator={quoteattr(_text(name))}" if name else ""
        yield f'<DicomAttribute tag="{key}" vr="{element["vr"]}"{named}>'
        yield from _content(element)
        yield "</DicomAttribute>"


def _content(element: Json) -> Iterator[str]:
    if "BulkDataURI" in element:
        yield f"<BulkData uri={quoteattr(element['BulkDataURI'])}/>"
    elif "InlineBinary" in element:
        yield f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
    for number, value in enumerate(element.get("Value", ()), start=1):
        if element["vr"] == "SQ":
            yield f'<Item number="{number}">'
            yield from _attributes(value)
            yield "</Item>"
        elif element["vr"] == "PN":
            yield f'<PersonName number="{number}">{"".join(_name(value or {}))}</PersonName>'
        else:
            yield f'<Value number="{number}">{"" if value is None else escape(_text(value), _LINE)}</Value>'


def _name(value: Json) -> Iterator[str]:
    for group in GROUPS:
        if value.get(group):
            parts = zip(_COMPONENTS, _text(value[group]).split("^"), strict=False)
            yield f"<{group}>{''.join(f'<{tag}>{escape(part)}</{tag}>' for tag, part in parts if part)}</{group}>"


def _text(value: Any) -> str:
    return _NO_XML.sub("\ufffd", str(value))


def from_xml(document: bytes) -> Json:
    """Return the data set that an XML document holds, as the DICOM JSON Model.

    Raises:
        InvalidModel: It is no such document, declares a DTD, or is nested or long beyond measure.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise InvalidModel("the XML is not well formed") from error
    if reader.root is None:
        raise InvalidModel("the XML holds no NativeDicomModel")
    return reader.root


class _Reader:
    """The elements that are open, from the outermost, each with what it has become so far."""

    def __init__(self) -> None:
        self.root: Json | None = None
        self._open: list[tuple[str, Any]] = []
        self._text: list[str] = []
        self._count = 0

    def refuse(self, *_: object) -> None:
        raise InvalidModel("a document type declaration is not read")

    def start(self, name: str, given: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise InvalidModel("the XML is nested too deep, or too long")
        name = name.rpartition(" ")[2]
        self._text = []
        if not self._open and name != "NativeDicomModel":
            raise InvalidModel("the XML holds no NativeDicomModel")
        made: Any = {}
        if name == "DicomAttribute":
            tag, vr = given.get("tag", ""), given.get("vr", "")
            if not (_TAG.fullmatch(tag) and _VR.fullmatch(vr)):
                raise InvalidModel("an attribute has no tag or no VR")
            made = {"tag": tag.upper(), "element": {"vr": vr}}
        elif name == "BulkData" and self._open[-1][0] == "DicomAttribute":
            self._open[-1][1]["element"]["BulkDataURI"] = given.get("uri") or given.get("uuid", "")
        self._open.append((name, made))

    def characters(self, text: str) -> None:
        self._text.append(text)

    def end(self, _: str) -> None:
        name, made = self._open.pop()
        text, self._text = "".join(self._text), []
        if not self._open:
            self.root = made
            return
        outer, around = self._open[-1]
        if name == "DicomAttribute":
            around[made["tag"]] = made["element"]
        elif outer == "DicomAttribute" and name in ("Value", "Item", "PersonName"):
            # An empty one among several is null, as in JSON.
            value = _value(around["element"]["vr"], text) if name == "Value" else made
            if name == "PersonName":
                value = {group: part for group, part in made.items() if part} or None
            around["element"].setdefault("Value", []).append(value)
        elif outer == "DicomAttribute" and name == "InlineBinary":
            around["element"]["InlineBinary"] = "".join(text.split())
        elif name in GROUPS and outer == "PersonName":
            around[name] = "^".join(made.get(part, "") for part in _COMPONENTS).rstrip("^")
        elif name in _COMPONENTS:
            around[name] = text


def _value(vr: str, text: str) -> Any:
    if not text:
        return None
    try:
        if vr in _WHOLE:
            return int(text)
        if vr in _DECIMAL:
            return float(text)
    except ValueError:
        return text
    return text
