"""Time stamps of checkpoints: what an authority of time signs of the text of a checkpoint, checked without it.

https://www.rfc-editor.org/rfc/rfc3161
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.audit import checkpoint
from app.audit.export import checkpoints, timestamps
from app.audit.note import NoteError
from app.audit.succession import Keyring

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampRequest


class WrongStamp(ValueError):
    """A time stamp is none of this text, or not of an authority whose root is trusted."""


def roots_of(path: Path) -> "list[Certificate]":
    """Return the certificates of a PEM file.

    Raises:
        ValueError: it holds none.
    """
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_x509_certificates(path.read_bytes())


def request(text: str) -> "TimeStampRequest":
    """Return what an authority is asked: the SHA-512 of a checkpoint's text, a nonce, and its certificate."""
    from rfc3161_client import TimestampRequestBuilder

    return TimestampRequestBuilder().data(text.encode()).build()


def verify_stamp(
    token: bytes, text: str, roots: "Sequence[Certificate]", *, asked: "TimeStampRequest | None" = None
) -> datetime:
    """Return when the authority saw the text of a checkpoint.

    Args:
        token: The authority's answer.
        text: The checkpoint's text, without signatures.
        roots: The roots that are trusted.
        asked: The request, whose nonce the answer must repeat; a stamp that is kept is checked without it.

    Raises:
        WrongStamp: it does not hold.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    try:
        answer = decode_timestamp_response(token)
        builder = VerifierBuilder() if asked is None else VerifierBuilder.from_request(asked)
        for root in roots:
            builder = builder.add_root_certificate(root)
        builder.build().verify_message(answer, text.encode())
        return answer.tst_info.gen_time
    except (ValueError, VerificationError) as error:
        raise WrongStamp(f"the time stamp does not hold: {error}") from error


@dataclass(frozen=True, slots=True)
class Stamped:
    """What the time stamps of an export say."""

    count: int
    """Stamps that hold."""
    size: int = 0
    """Records of the largest checkpoint that is stamped."""
    at: datetime | None = None
    """When the authority saw it."""
    fault: str = ""
    """Why the first one that does not hold does not; empty when all do."""

    @property
    def message(self) -> str:
        """What was found, as a sentence."""
        if self.fault:
            return self.fault
        if self.at is None:
            return "no checkpoint has a time stamp"
        return (
            f"{self.count} checkpoints have time stamps; the first {self.size} records were there at {self.at:%F %TZ}"
        )


def verify_stamps(folder: Path, roots: "Sequence[Certificate]", ring: Keyring, proven: int) -> Stamped:
    """Return what the time stamps of an export say of the records that are proven.

    Args:
        folder: The export.
        roots: The roots that are trusted.
        ring: The log's keys: only what they signed is looked at.
        proven: How many records, from the first, are proven; stamps of more say nothing.
    """
    texts = _texts(checkpoints(folder), ring)
    found = Stamped(0)
    for size, token in sorted(timestamps(folder)):
        if size > proven:
            continue
        if size not in texts:
            return Stamped(found.count, found.size, found.at, f"a time stamp is of {size} records, no checkpoint is")
        try:
            at = verify_stamp(token, texts[size], roots)
        except WrongStamp as error:
            return Stamped(found.count, found.size, found.at, f"of the checkpoint of {size} records {error}")
        found = Stamped(found.count + 1, size, at)
    return found


def _texts(notes: Iterable[str], ring: Keyring) -> dict[int, str]:
    """Return the texts of checkpoints that the log signed, by their sizes; of others its proof tells."""
    texts = {}
    for signed in notes:
        try:
            found, _ = checkpoint.signed_by(signed, ring.keys, origin=ring.keys[0].name)
        except NoteError:
            continue
        texts[found.size] = found.text
    return texts
