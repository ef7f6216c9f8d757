"""Bytes that tell nothing of themselves: an identifier that follows from them, and their media type."""

import base64
import hashlib
import uuid
from typing import Any

FORMAT = {
    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
}
"""The format of documents whose media type says all."""

URI = "urn:ietf:rfc:3986"


def name_of(octets: bytes, owner: str) -> str:
    """Return the `urn:uuid:` that follows from bytes and whose they are: the same for the same."""
    digest = hashlib.sha256(octets).hexdigest()
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{owner}|{digest}')}"


def binary_of(octets: bytes, content_type: str) -> dict[str, Any]:
    """Return the Binary that holds bytes."""
    data = base64.b64encode(octets).decode()
    return {"resourceType": "Binary", "contentType": content_type, "data": data}


def bytes_metadata(octets: bytes, content_type: str, owner: str) -> dict[str, Any]:
    """Return the DocumentReference of bytes, without the attachment's url.

    Args:
        octets: The document.
        content_type: Its media type.
        owner: A text that tells one owner's documents from another's.
    """
    digest = hashlib.sha1(octets, usedforsecurity=False).digest()
    attachment = {"contentType": content_type, "size": len(octets), "hash": base64.b64encode(digest).decode()}
    return {
        "resourceType": "DocumentReference",
        "masterIdentifier": {"use": "usual", "system": URI, "value": name_of(octets, owner)},
        "status": "current",
        "content": [{"attachment": attachment, "format": FORMAT}],
    }
