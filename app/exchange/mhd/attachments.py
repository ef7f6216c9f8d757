"""The bytes of documents: each attachment leads to an entry of the Bundle, whose size and SHA-1 are as it says.

The digest is of the raw bytes, in base64. Published examples, and clients that follow them, write the digest's
hexadecimal text in base64; that says the same, and is taken.
https://hl7.org/fhir/R4/datatypes.html#Attachment, https://profiles.ihe.net/ITI/TF/Volume3/ch-4.2.html#4.2.3.2.10
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from fhir.issue import Issue

FHIR_TYPES = ("application/fhir+json", "application/fhir+xml")


def attachment_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the attachment of a DocumentReference; an empty one where it has none."""
    for content in document.get("content", ()):
        found: Mapping[str, Any] = content.get("attachment", {})
        return found
    return {}


def media_type(text: object) -> str:
    """Return a media type without its parameters, in small letters."""
    return str(text or "").partition(";")[0].strip().lower()


def octets_of(binary: Mapping[str, Any]) -> bytes:
    """Return the bytes that a Binary holds.

    Raises:
        ValueError: it is not base64.
    """
    try:
        return base64.b64decode("".join(str(binary.get("data", "")).split()), validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def sha1(octets: bytes) -> str:
    """Return the digest of bytes as an attachment states it."""
    return base64.b64encode(hashlib.sha1(octets, usedforsecurity=False).digest()).decode()


def states(attachment: Mapping[str, Any], octets: bytes, place: str) -> Iterator[Issue]:
    """Yield where an attachment does not say the size and the digest of these bytes."""
    if "size" in attachment and attachment["size"] != len(octets):
        yield Issue("error", "value", f"{place}.size", "The size is not that of the bytes")
    if "hash" in attachment:
        digest = hashlib.sha1(octets, usedforsecurity=False)
        written = (digest.digest(), digest.hexdigest().encode())
        if attachment["hash"] not in [base64.b64encode(one).decode() for one in written]:
            yield Issue("error", "value", f"{place}.hash", "The hash is not the SHA-1 of the bytes")
