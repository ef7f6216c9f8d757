"""RFC 3161 time stamps of signatures: tokens as XAdES and JAdES carry them.

https://www.rfc-editor.org/rfc/rfc3161
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate, DirectoryName
from cryptography.x509.oid import NameOID

from fhir.signatures.der import children, element
from fhir.signatures.verdict import Invalid, Untrusted

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

MOST_BYTES = 100_000
_HASHES = {f"2.16.840.1.101.3.4.2.{number}": name for number, name in ((1, "sha256"), (2, "sha384"), (3, "sha512"))}

_GRANTED = element(0x30, element(0x02, b"\x00"))


def as_answer(token: bytes) -> bytes:
    """Return a token as the answer of an authority, which is what it came in."""
    return element(0x30, _GRANTED + token)


def token_of(answer: bytes) -> bytes:
    """Return the token of an authority's answer, or b"" when it has none."""
    parts = children(answer)
    inner = children(parts[0].content) if len(parts) == 1 else []
    return inner[1].whole if len(inner) > 1 else b""


def stamped(
    answer: bytes, content: bytes, roots: Sequence[Certificate], asked: "TimeStampRequest | None" = None
) -> tuple[datetime, str]:
    """Return when an authority of time saw some content, and its name where the stamp says it.

    Args:
        answer: What the authority answered, or `as_answer` of a token.
        content: What the stamp is of.
        roots: The anchors of authorities of time that are trusted.
        asked: The request, whose nonce the answer must repeat.

    Raises:
        Invalid: it is of something else, or no time stamp.
        Untrusted: it is not of an authority that is trusted.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    if len(answer) > MOST_BYTES:
        raise Invalid("stamp", "The time stamp is too long")
    try:
        read = decode_timestamp_response(answer)
        imprint, told = read.tst_info.message_imprint, read.tst_info
    except ValueError as error:
        raise Invalid("stamp", "The time stamp cannot be read") from error
    name = _HASHES.get(imprint.hash_algorithm.dotted_string)
    if name is None or not hmac.compare_digest(hashlib.new(name, content).digest(), imprint.message):
        raise Invalid("stamp", "The time stamp is of something else")
    builder = VerifierBuilder() if asked is None else VerifierBuilder.from_request(asked)
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(read, content)
    except (ValueError, VerificationError) as error:
        raise Untrusted("anchor", "The time stamp is not of an authority that is trusted") from error
    return told.gen_time, _name(told.name)


def _name(name: object) -> str:
    if not isinstance(name, DirectoryName):
        return ""
    return next((str(one.value) for one in name.value.get_attributes_for_oid(NameOID.COMMON_NAME)), "")
