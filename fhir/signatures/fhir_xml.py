"""The canonical forms of a resource's XML: what an XML signature in `Bundle.signature` or `Provenance.signature` is of.

https://hl7.org/fhir/R4/xml.html#canonical
"""

import copy
from collections.abc import Iterator

from lxml import etree

from fhir.signatures.xml_tree import Element, read_xml
from fhir.xml.to_xml import to_xml

FHIR = "http://hl7.org/fhir"
CANONICAL = "http://hl7.org/fhir/canonicalization/xml"
AS_WRITTEN = "xml"


def xml_forms(body: bytes, received: bytes | None) -> list[tuple[str, Element]]:
    """Return what an XML signature of a resource may be of, as (form, root), the likeliest first.

    Args:
        body: The resource's JSON.
        received: The XML it came as; without it the XML is made, which the signer may have written otherwise.
    """
    written = read_xml(received if received is not None else to_xml(body))
    bare = copy.deepcopy(written)
    for one in bare.iter(etree.Element):
        _take_spaces_out(one)
    if written.tag == f"{{{FHIR}}}Bundle":
        return list(_of_bundle(bare))
    return [(CANONICAL, bare), (f"{CANONICAL}#static", _less(bare, "text", "meta")), (AS_WRITTEN, written)]


def _take_spaces_out(element: Element) -> None:
    """Take out white space between the elements of FHIR; in narrative it stays."""
    if not element.tag.startswith(f"{{{FHIR}}}"):
        return
    if not (element.text or "").strip():
        element.text = None
    for child in element:
        if not (child.tail or "").strip():
            child.tail = None


def _of_bundle(root: Element) -> Iterator[tuple[str, Element]]:
    yield f"{CANONICAL}#document", _less(root, "id", "meta", "signature")
    yield CANONICAL, _less(root, "signature")


def _less(root: Element, *names: str) -> Element:
    made = copy.deepcopy(root)
    for name in names:
        for one in made.findall(f"{{{FHIR}}}{name}"):
            made.remove(one)
    return made
