"""What the DICOMweb doors answer: bytes at once, or parts that leave one after the other.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.6.html
"""

import base64
import hashlib
import secrets
from collections.abc import Iterable

from app.imaging.request import DicomRequest
from app.records.response import NO_SNIFF, PRIVATE, Header, Response, Streamed

__all__ = [
    "DICOM",
    "DICOM_JSON",
    "DICOM_XML",
    "DicomResponse",
    "Header",
    "Streamed",
    "etag",
    "headers",
    "new_boundary",
    "not_modified",
]

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
DICOM_XML = "application/dicom+xml"

ATTACHMENT = (b"content-disposition", b"attachment")
SANDBOX = (b"content-security-policy", b"default-src 'none'; sandbox")
_SHOWN = (DICOM_JSON, "image/jpeg", "image/png", "image/gif")
"""What the hub has made itself."""

DicomResponse = Response | Streamed


def headers(content_type: str, tag: bytes = b"") -> list[Header]:
    """Return the headers of an answer with a body."""
    found = [(b"content-type", content_type.encode("latin-1")), PRIVATE, NO_SNIFF]
    if not content_type.startswith(_SHOWN):
        # A sender's bytes are saved by a browser that is led here, and never shown or run.
        found += [ATTACHMENT, SANDBOX]
    return [*found, (b"etag", tag), (b"vary", b"Accept")] if tag else found


def etag(digests: Iterable[str], representation: str) -> bytes:
    """Return the entity tag of stored bytes, given by their digests, in one representation."""
    made = hashlib.sha256("\n".join((representation, *digests)).encode())
    return b'"' + base64.urlsafe_b64encode(made.digest()[:18]) + b'"'


def not_modified(request: DicomRequest, tag: bytes) -> Response | None:
    """Return a 304 if the caller has what `tag` names already (RFC 9110 13.1.2); never without a tag."""
    if not tag:
        return None
    given = request.headers.get(b"if-none-match", b"")
    tags = {one.strip().removeprefix(b"W/") for one in given.split(b",")}
    if tag in tags or given.strip() == b"*":
        return Response(304, b"", [(b"etag", tag), PRIVATE])
    return None


def new_boundary() -> str:
    """Return a boundary that no content holds."""
    return secrets.token_hex(16)
