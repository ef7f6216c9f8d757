"""The role of a person in a certificate of the health sector's infrastructure (HPKI): `hcRole` of ISO 17090-2.

It is an attribute of `subjectDirectoryAttributes`, under the arc 1.0.17090, that names the national qualification as
text. https://www.mhlw.go.jp/stf/shingi/other-isei_210423.html
"""

from collections.abc import Iterator

from cryptography.x509 import Certificate, ObjectIdentifier, UnrecognizedExtension

from fhir.signatures.der import CONSTRUCTED, DEEPEST, children

ATTRIBUTES = ObjectIdentifier("2.5.29.9")
ARC = bytes((0x28, 0x81, 0x85, 0x42))
"""The beginning of 1.0.17090 as DER."""

_OBJECT_IDENTIFIER = 0x06
_TEXTS = {0x0C: "utf-8", 0x13: "ascii"}
MOST_ROLES = 10
LONGEST_ROLE = 100


def roles(certificate: Certificate) -> tuple[str, ...]:
    """Return the roles that a certificate states, as they are written there: `Medical Doctor`."""
    found: list[str] = []
    for extension in certificate.extensions:
        if extension.oid == ATTRIBUTES and isinstance(extension.value, UnrecognizedExtension):
            for sequence in children(extension.value.value):
                for attribute in children(sequence.content):
                    parts = children(attribute.content)
                    if len(parts) > 1 and parts[0].tag == _OBJECT_IDENTIFIER and parts[0].content.startswith(ARC):
                        found += _texts(parts[1].content)
    return tuple(found[:MOST_ROLES])


def _texts(data: bytes, depth: int = 0) -> Iterator[str]:
    for part in children(data):
        if part.tag in _TEXTS:
            yield part.content.decode(_TEXTS[part.tag], "replace")[:LONGEST_ROLE]
        elif part.tag & CONSTRUCTED and depth < DEEPEST:
            yield from _texts(part.content, depth + 1)
