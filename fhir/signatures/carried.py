"""Which signatures a resource carries: in `Bundle.signature` and `Provenance.signature`, and in the XML it holds.

https://hl7.org/fhir/R4/datatypes.html#Signature
"""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from fhir.signatures.chain import Trust
from fhir.signatures.check import check_data, check_document
from fhir.signatures.verdict import State, Verdict
from fhir.signatures.xml_tree import DSIG

MOST = 10
"""Signatures of one resource that are looked at."""

_MARK = DSIG.encode()


def is_signed(resource: Mapping[str, Any]) -> bool:
    """Return whether a resource carries a signature that somebody may want to see checked."""
    match resource.get("resourceType"):
        case "Bundle" | "Provenance":
            return bool(resource.get("signature"))
        case "Binary" | "DocumentReference":
            return any(True for _ in _documents(resource))
    return False


def attachments(resource: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the bytes that a Binary or a DocumentReference holds itself."""
    for one in _held(resource):
        yield _octets(one.get("data"))


def _octets(data: object) -> bytes:
    """Return what base64 means; nothing when it is none."""
    try:
        return base64.b64decode(data) if isinstance(data, str) else b""
    except ValueError:
        return b""


def _held(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if resource.get("resourceType") == "Binary":
        return [resource]
    return [one.get("attachment", {}) for one in resource.get("content", ()) if isinstance(one, Mapping)]


def _documents(resource: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the XML documents with signatures that a resource holds."""
    for one in _held(resource):
        # An image is not decoded to look for a signature.
        if "xml" in str(one.get("contentType", "")) and _MARK in (octets := _octets(one.get("data"))):
            yield octets


def own_verdicts(
    resource: Mapping[str, Any], body: bytes, received: bytes | None, trust: Trust, now: datetime
) -> list[Verdict]:
    """Return the verdicts of the signatures by which a Bundle, a Binary or a DocumentReference speaks for itself.

    Args:
        resource: The tree of `body`.
        body: The JSON as it came, or as it was made of `received`.
        received: The XML that it came as, if it did.
        trust: Whom the hub trusts.
        now: When it came.
    """
    if resource.get("resourceType") == "Bundle":
        return [_of_data(resource["signature"], body, received, trust, now)]
    return [one for document in _documents(resource) for one in check_document(document, trust, now)][:MOST]


def _of_data(signature: Mapping[str, Any], body: bytes, received: bytes | None, trust: Trust, now: datetime) -> Verdict:
    data = signature_data(signature)
    if not data:
        return Verdict(State.UNCHECKED, "missing", "The signature has no data")
    return check_data(data, body, trust, now, received=received)


def signature_data(signature: Mapping[str, Any]) -> bytes:
    """Return what a Signature holds; empty when it is kept elsewhere or is a picture of a hand's."""
    if str(signature.get("sigFormat", "")).startswith("image/"):
        return b""
    return _octets(signature.get("data"))
