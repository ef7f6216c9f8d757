"""XML read with suspicion: without document type, entities or network, and what is signed in it found by its id.

https://www.w3.org/TR/xmldsig-core1/
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any, cast

from lxml import etree

from fhir.signatures.verdict import Invalid, Unchecked

DSIG = "http://www.w3.org/2000/09/xmldsig#"
IDS = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
MOST_BYTES = 20_000_000
"""Of XML that is looked at: it is in memory as a tree, twice where a signature lies in what it signs."""

Element = Any


def ds(name: str) -> str:
    """Return the name of an element of XML signatures."""
    return f"{{{DSIG}}}{name}"


def read_xml(data: bytes) -> Element:
    """Return the root of an XML text.

    Raises:
        Unchecked: it is too large.
        Invalid: it is not well-formed, or has a document type.
    """
    if len(data) > MOST_BYTES:
        raise Unchecked("size", f"XML of more than {MOST_BYTES // 1_000_000} MB is not looked at")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Invalid("malformed", "The XML is not well-formed") from None
    if root.getroottree().docinfo.doctype:
        raise Invalid("malformed", "The XML has a document type")
    return root


def text_of(element: Element) -> str:
    """Return the text of an element that holds nothing else: a comment in it would part what two readers read.

    Raises:
        Invalid: it holds more than text.
    """
    if len(element):
        raise Invalid("malformed", f"{etree.QName(element).localname} holds more than text")
    return element.text or ""


def octets_of(element: Element) -> bytes:
    """Return the bytes that the text of an element is the base64 of.

    Raises:
        Invalid: it is none.
    """
    try:
        return base64.b64decode("".join(text_of(element).split()), validate=True)
    except (ValueError, binascii.Error):
        raise Invalid("malformed", f"{etree.QName(element).localname} is no base64") from None


def only(parent: Element, name: str) -> Element:
    """Return the one child of a name.

    Raises:
        Invalid: there is none, or several.
    """
    found = parent.findall(name)
    if len(found) != 1:
        raise Invalid("malformed", f"There is not one {etree.QName(name).localname}")
    return found[0]


def by_id(root: Element, wanted: str) -> Element:
    """Return the element of an id.

    Raises:
        Invalid: there is none, or several: readers would take different ones.
    """
    found = {one for one in _elements(root) if any(one.get(name) == wanted for name in IDS)}
    if len(found) != 1:
        raise Invalid("id", "What is signed is named by an id that no element has, or several have")
    return found.pop()


def _elements(root: Element) -> Iterator[Element]:
    return cast("Iterator[Element]", root.iter(etree.Element))


def is_within(element: Element, ancestor: Element) -> bool:
    """Return whether an element is another, or lies in it."""
    return element is ancestor or any(one is ancestor for one in element.iterancestors())
