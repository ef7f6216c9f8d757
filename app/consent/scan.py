"""Consent by paper: the scan of what was signed, kept as a DocumentReference that the Consent names as its source.

As BPPC keeps it: https://profiles.ihe.net/ITI/TF/Volume3/ch-5.html. The scan is evidence of the site that took it: it
goes to no other site, whatever is permitted.
"""

from base64 import b64encode
from typing import Any

from fhir.errors import InvalidValue
from fhir.store.labels import DISCLOSURE

SCAN_BYTES = 10_000_000
"""The largest scan."""

_KINDS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg"}
_ACTIVE = (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/RichMedia", b"/XFA")
"""What a scanner never writes, and what makes a PDF do something."""

_UNDELIVERED = {"system": DISCLOSURE, "code": "UNDELIVERED"}


def kind_of(scan: bytes) -> str:
    """Return the media type of a scan by its first bytes, whatever its sender calls it.

    Raises:
        InvalidValue: it is neither PDF nor JPEG, or a PDF with something that runs.
    """
    kind = next((kind for begin, kind in _KINDS.items() if scan.startswith(begin)), None)
    if kind is None:
        raise InvalidValue("A scan is a PDF or a JPEG", "scan")
    if kind == "application/pdf" and any(word in scan for word in _ACTIVE):
        raise InvalidValue("A scan has nothing in it that runs", "scan")
    return kind


def scan_resources(
    scan: bytes, *, patient: str, organization: str, document_id: str, binary_id: str, now: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the DocumentReference of a scan and the Binary that holds it.

    Args:
        scan: The bytes.
        patient: The reference of the Patient.
        organization: The reference of the site that took it.
        document_id: The id of the DocumentReference.
        binary_id: The id of the Binary.
        now: The present as a FHIR instant.

    Raises:
        InvalidValue: it is no scan.
    """
    kind = kind_of(scan)
    document = {
        "resourceType": "DocumentReference",
        "meta": {"security": [_UNDELIVERED]},
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}]},
        "subject": {"reference": patient},
        "date": now,
        "author": [{"reference": organization}],
        "custodian": {"reference": organization},
        "description": "同意書（署名済み）",
        "content": [
            {"attachment": {"contentType": kind, "url": f"Binary/{binary_id}", "title": "同意書", "size": len(scan)}}
        ],
    }
    binary = {
        "resourceType": "Binary",
        "meta": {"security": [_UNDELIVERED]},
        "contentType": kind,
        "securityContext": {"reference": f"DocumentReference/{document_id}"},
        "data": b64encode(scan).decode(),
    }
    return document, binary
