"""From the JSON of a resource to its XML: elements in the order of the definition, numbers with the text they had.

https://hl7.org/fhir/R4/xml.html
"""

import re
from collections.abc import Mapping
from functools import cache
from itertools import zip_longest
from types import MappingProxyType
from typing import Any
from xml.parsers import expat

import msgspec

from fhir.errors import NotAcceptable
from fhir.spec.elements import CONCRETE_TYPES
from fhir.xml.shape import FHIR, XHTML, Part, shape


class NotWritable(NotAcceptable):
    """The resource holds what XML cannot, or what R4 does not know: only its JSON can be had."""


class _Number(str):
    """A number with a fraction or an exponent, as it was written."""

    __slots__ = ()


_EXACT = msgspec.json.Decoder(dict[str, Any], float_hook=_Number)
_SPECIAL = re.compile(r'[&<>"\t\n\r]')
_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
# https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


def to_xml(body: bytes, *, pretty: bool = False) -> bytes:
    """Return the XML of a resource.

    Args:
        body: Its JSON, which `fhir.resource.parse` has accepted before.
        pretty: Whether elements stand on lines of their own, indented. Narrative stays as it is.

    Raises:
        NotWritable: it is no resource of R4, has an element that R4 does not know, a value of the wrong JSON
            type, a narrative that is no XHTML element, or a character that XML does not have.
    """
    tree = _EXACT.decode(body)
    out = [_DECLARATION]
    try:
        _resource(tree, out, "\n" if pretty else "", f' xmlns="{FHIR}"')
    except _Unwritable as found:
        path = ".".join([str(tree.get("resourceType"))[:64], *reversed(found.path)])
        raise NotWritable(f"This cannot be written as XML: {found.why}", path) from None
    return "".join(out).encode()


class _Unwritable(Exception):
    """What is in the way, and the names that lead to it, the innermost first."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why
        self.path: list[str] = []


@cache
def _keys(type_name: str) -> Mapping[str, Part]:
    """Return the parts by the keys of a JSON object: `birthDate` and `_birthDate` lead to the same one."""
    found: dict[str, Part] = {}
    for name, part in shape(type_name).items():
        found[name] = part
        if part.kind == "primitive" and not part.attribute:
            found[f"_{name}"] = part
    return MappingProxyType(found)


_PRIMITIVE = MappingProxyType({name: part for name, part in shape("Element").items() if name == "extension"})


def _order(part: Part) -> int:
    # The url of an extension is defined behind its extensions, and yet an attribute.
    return -1 if part.attribute else part.place


def _resource(tree: Any, out: list[str], pad: str, namespace: str = "") -> None:
    name = tree.get("resourceType") if isinstance(tree, dict) else None
    if not isinstance(name, str) or name not in CONCRETE_TYPES:
        raise _Unwritable("this is not the type of a resource of R4")
    out.append(f"{pad}<{name}{namespace}")
    _content(name, name, {key: value for key, value in tree.items() if key != "resourceType"}, out, pad)


def _content(tag: str, type_name: str, tree: dict[str, Any], out: list[str], pad: str) -> None:
    """Write the attributes and elements of an object, and the end of the tag that was begun."""
    keys = _keys(type_name)
    try:
        parts = {keys[key] for key in tree}
    except KeyError as unknown:
        raise _Unwritable(f"R4 has no element {str(unknown.args[0])[:64]!r} here") from None
    inside = pad and pad + "  "
    begun = False
    for part in sorted(parts, key=_order):
        value = tree.get(part.name)
        if part.attribute:
            out.append(f' {part.name}="{_text(value)}"')
            continue
        if not begun:
            out.append(">")
            begun = True
        try:
            _part(part, value, tree.get(f"_{part.name}") if part.kind == "primitive" else None, out, inside)
        except _Unwritable as found:
            found.path.append(part.name)
            raise
    out.append(f"{pad}</{tag}>" if begun else "/>")


def _part(part: Part, value: Any, beside: Any, out: list[str], pad: str) -> None:
    if not part.many:
        _one(part, value, beside, out, pad)
        return
    for items in (value, beside):
        if items is not None and not isinstance(items, list):
            raise _Unwritable("an array is expected")
    for item, item_beside in zip_longest(value or (), beside or ()):
        _one(part, item, item_beside, out, pad)


def _one(part: Part, value: Any, beside: Any, out: list[str], pad: str) -> None:
    if part.kind == "primitive":
        _primitive(part.name, value, beside, out, pad)
    elif part.kind == "narrative":
        out.append(f"{pad}{_narrative(value)}")
    elif not isinstance(value, dict):
        raise _Unwritable("an object is expected")
    elif part.kind == "resource":
        out.append(f"{pad}<{part.name}>")
        _resource(value, out, pad and pad + "  ")
        out.append(f"{pad}</{part.name}>")
    else:
        out.append(f"{pad}<{part.name}")
        _content(part.name, part.type, value, out, pad)


def _primitive(name: str, value: Any, beside: Any, out: list[str], pad: str) -> None:
    out.append(f"{pad}<{name}")
    if beside is None:
        out.append(f' value="{_text(value)}"/>')
        return
    if not isinstance(beside, dict) or not beside.keys() <= {"id", "extension"}:
        raise _Unwritable("beside a primitive stand its id and its extensions alone")
    if "id" in beside:
        out.append(f' id="{_text(beside["id"])}"')
    if value is not None:
        out.append(f' value="{_text(value)}"')
    if "extension" not in beside:
        out.append("/>")
        return
    out.append(">")
    _part(_PRIMITIVE["extension"], beside["extension"], None, out, pad and pad + "  ")
    out.append(f"{pad}</{name}>")


def _text(value: Any) -> str:
    """Return a primitive value as it stands in an attribute."""
    if isinstance(value, str):
        if value.isprintable() and not _SPECIAL.search(value):
            return value
        if _NO_XML.search(value):
            raise _Unwritable("a text holds a character that XML does not have")
        return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], value)
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    raise _Unwritable("a primitive value is expected")


def _narrative(value: Any) -> str:
    """Return a narrative's XHTML as it is; it must be one element on its own, so that nothing can stand beside it."""
    if not isinstance(value, str) or not stands_alone(value):
        raise _Unwritable("the narrative is not one XHTML element")
    return value


def stands_alone(markup: str) -> bool:
    """Return whether a text is one well-formed `div` in the XHTML namespace, which it declares itself."""
    if not markup.startswith("<div"):
        return False
    parser = expat.ParserCreate(namespace_separator=" ")
    names: list[str] = []
    parser.StartElementHandler = lambda name, _: names.append(name) if not names else None
    try:
        parser.Parse(markup, True)
    except (expat.ExpatError, UnicodeEncodeError):
        return False
    return names == [f"{XHTML} div"]
