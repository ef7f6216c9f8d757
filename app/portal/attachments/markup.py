"""XML of others, read with suspicion: no document type, no entities, nothing fetched, bounded depth and size.

https://www.w3.org/TR/xml/; what it would let a document do is in https://cwe.mitre.org/data/definitions/611.html
"""

from typing import Any

from lxml import etree

V3 = "{urn:hl7-org:v3}"
"""The namespace of HL7 v3, as lxml writes it before a name."""

DEEPEST = 200
"""Levels of elements."""


class Unreadable(ValueError):
    """It is not what it says, or asks for what is not done."""


def parse_xml(octets: bytes) -> Any:
    """Return the root element of a document.

    Raises:
        Unreadable: it is no XML, has a document type, or is nested without measure.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise Unreadable(f"no XML that can be read: {str(error)[:200]}") from error
    if root.getroottree().docinfo.internalDTD is not None or root.getroottree().docinfo.doctype:
        raise Unreadable("a document type is not read")
    if _is_too_deep(root):
        raise Unreadable(f"nested more than {DEEPEST} deep")
    return root


def _is_too_deep(root: Any) -> bool:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            return True
    return False


def words(element: Any) -> str:
    """Return the text in an element, white space as one space."""
    return "" if element is None else " ".join("".join(element.itertext()).split())
