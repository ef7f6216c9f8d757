"""A Bundle in XML that is written while it is made: its head, then entries chunk by chunk, then its end.

In XML the links stand before the entries, so they must be known when the first byte leaves.
https://hl7.org/fhir/R4/bundle.html
"""

from fhir.xml.to_xml import to_xml

END = b"</Bundle>"
"""What ends the Bundle."""

_ENTRY = b"<entry>"


def head(bundle: bytes) -> bytes:
    """Return a Bundle in XML without its end.

    Args:
        bundle: Its JSON, without entries.
    """
    return to_xml(bundle).removesuffix(END)


def entries(listed: bytes) -> bytes:
    """Return entries in XML.

    Args:
        listed: Their JSON: at least one object, parted by commas.

    Raises:
        NotWritable: one of the resources holds what XML cannot.
    """
    bundle = to_xml(b'{"resourceType":"Bundle","type":"searchset","entry":[' + listed + b"]}")
    return bundle[bundle.index(_ENTRY) :].removesuffix(END)
