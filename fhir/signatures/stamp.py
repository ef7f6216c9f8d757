"""RFC 3161 time stamps of signatures: tokens as XAdES and JAdES carry them.

https://www.rfc-editor.org/rfc/rfc3161
"""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from cryptography.x509 import Certificate

from fhir.signatures.der import children, element
from fhir.signatures.verdict import Invalid

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest

MOST_BYTES = 100_000

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
    """Return when an authority of time saw some content, and the common name of its certificate's holder.

    Args:
        answer: What the authority answered, or `as_answer` of a token.
        content: What the stamp is of.
        roots: The anchors of authorities of time that are trusted.
        asked: The request, whose nonce the answer must repeat.

    Raises:
        Invalid: it is of something else, or not of an authority that is trusted.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    if len(answer) > MOST_BYTES:
        raise Invalid("stamp", "The time stamp is too long")
    try:
        read = decode_timestamp_response(answer)
        builder = VerifierBuilder() if asked is None else VerifierBuilder.from_request(asked)
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(read, content)
        return read.tst_info.gen_time, _name(read.tst_info.name)
    except (ValueError, VerificationError) as error:
        raise Invalid("stamp", "The time stamp does not hold") from error


def _name(name: object) -> str:
    from cryptography.x509 import DirectoryName
    from cryptography.x509.oid import NameOID

    if not isinstance(name, DirectoryName):
        return ""
    return next((str(one.value) for one in name.value.get_attributes_for_oid(NameOID.COMMON_NAME)), "")
