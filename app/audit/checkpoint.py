"""Checkpoints: the log's name, size and root, as a signed note.

https://c2sp.org/tlog-checkpoint@v1.0.0
"""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from app.audit import note
from app.audit.tree import HASH_BYTES


class MalformedCheckpoint(note.NoteError):
    """The signed text is not a checkpoint."""


class WrongOrigin(note.NoteError):
    """The checkpoint is that of another log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment."""

    origin: str
    """The log's name, not empty; the name of the key that signs it."""
    size: int
    """The number of its records."""
    root: bytes
    """The Merkle tree hash over them, 32 bytes."""

    @property
    def text(self) -> str:
        """The note text: three lines, no extensions."""
        return f"{self.origin}\n{self.size}\n{binascii.b2a_base64(self.root).decode()}"


def sign(checkpoint: Checkpoint, *signers: note.Signer) -> str:
    """Return the checkpoint as a note; the log's own key comes first, witnesses may follow."""
    return note.sign(checkpoint.text, *signers)


def verify(signed: str | bytes, verifier: note.Verifier, *, origin: str | None = None) -> Checkpoint:
    """Return what a note says once its signature holds.

    Args:
        signed: The note.
        verifier: The log's public key.
        origin: The log's name, where it is not the name of the key.

    Raises:
        MalformedNote: It is not a signed note.
        UnknownSigner: The log's key did not sign it.
        WrongSignature: The log's key is named, but did not make the signature.
        MalformedCheckpoint: The signed text is not a checkpoint.
        WrongOrigin: It is a checkpoint of another log.
    """
    return signed_by(signed, [verifier], origin=verifier.name if origin is None else origin)[0]


def signed_by(
    signed: str | bytes, verifiers: Sequence[note.Verifier], *, origin: str
) -> tuple[Checkpoint, list[note.Verifier]]:
    """Return what a note says and which of these keys have signed it, one at least.

    Raises:
        NoteError: As `verify`.
    """
    text, signers = note.verify(signed, verifiers)
    checkpoint = parse_text(text)
    if checkpoint.origin != origin:
        raise WrongOrigin(f"a checkpoint of {checkpoint.origin}, not of {origin}")
    return checkpoint, signers


def parse_text(text: str) -> Checkpoint:
    """Return what a note's text says, its signature being somebody else's business.

    Raises:
        MalformedCheckpoint: It is not origin, size and root, or holds extension lines: this log signs none.
    """
    lines = text.split("\n")
    if len(lines) != 4 or not lines[0] or lines[3]:
        raise MalformedCheckpoint("a checkpoint is three lines: origin, size, root")
    origin, size, root, _ = lines
    if not (size.isascii() and size.isdigit()) or len(size) > 20:
        raise MalformedCheckpoint(f"a size is decimal digits, not {size!r}")
    try:
        decoded = binascii.a2b_base64(root, strict_mode=True)
    except binascii.Error:
        raise MalformedCheckpoint(f"a root is base64, not {root!r}") from None
    checkpoint = Checkpoint(origin, int(size), decoded)
    if len(decoded) != HASH_BYTES or checkpoint.text != text:
        raise MalformedCheckpoint(f"not the text of a checkpoint: {text!r}")
    return checkpoint
