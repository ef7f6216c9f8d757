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

from app.exchange.mhd.submission import Part, Submission
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


def check(found: Submission, bases: tuple[str, ...]) -> list[Issue]:
    """Return what is wrong with the attachments of a submission.

    Args:
        found: What is provided.
        bases: Addresses, whose resources an attachment may lead to: they are not looked at.
    """
    binaries = {part.entry.full_url: part for part in found.binaries}
    bundles = {part.entry.full_url: part for part in found.fhir_documents}
    issues: list[Issue] = []
    led_to: set[str] = set()
    for part in found.documents:
        attachment, place = attachment_of(part.tree), f"{part.path}.content[0].attachment"
        url = str(attachment.get("url", ""))
        if url in binaries:
            issues += _of_binary(attachment, binaries[url], place)
        elif url in bundles:
            issues += _of_bundle(attachment, place)
        elif not url.startswith(bases) or not bases:
            issues.append(Issue("error", "not-found", f"{place}.url", "The url leads to no document of the Bundle"))
        if url in led_to:
            issues.append(Issue("error", "duplicate", f"{place}.url", "Two DocumentReferences lead to one document"))
        led_to.add(url)
    for part in (*found.binaries, *found.fhir_documents):
        if part.entry.full_url not in led_to:
            text = "No DocumentReference of the Bundle leads to this document"
            issues.append(Issue("error", "not-found", f"Bundle.entry[{part.number}].fullUrl", text))
        elif not str(part.entry.full_url).startswith("urn:"):
            text = "The fullUrl of what is new is a urn:uuid"
            issues.append(Issue("error", "value", f"Bundle.entry[{part.number}].fullUrl", text))
    return issues


def _of_binary(attachment: Mapping[str, Any], part: Part, place: str) -> Iterator[Issue]:
    if media_type(attachment.get("contentType")) != media_type(part.tree.get("contentType")):
        yield Issue("error", "value", f"{place}.contentType", "The contentType is not that of the Binary")
    try:
        octets = octets_of(part.tree)
    except ValueError:
        yield Issue("error", "value", f"{part.path}.data", "This is not base64")
    else:
        yield from states(attachment, octets, place)


def _of_bundle(attachment: Mapping[str, Any], place: str) -> Iterator[Issue]:
    if media_type(attachment.get("contentType")) not in FHIR_TYPES:
        yield Issue("error", "value", f"{place}.contentType", f"A FHIR document is {' or '.join(FHIR_TYPES)}")
    for name in ("size", "hash"):
        if name in attachment:
            yield Issue("error", "structure", f"{place}.{name}", f"A FHIR document has no {name}: it has many forms")
