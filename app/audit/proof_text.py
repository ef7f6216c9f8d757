"""Proofs as text, to hand to whoever asks: that a record is in the log, and that the log only grew.

A record's proof is a tlog-proof. The proof of growth is what a log sends to a witness: the old size, the path, the new
checkpoint.

https://c2sp.org/tlog-proof
https://c2sp.org/tlog-witness
"""

import binascii
from collections.abc import Sequence

from app.audit import checkpoint
from app.audit.checkpoint import Checkpoint
from app.audit.note import NoteError, Verifier
from app.audit.tree import leaf_hash, verify_consistency, verify_inclusion
from app.audit.witness.add_checkpoint import MalformedRequest, parse

TITLE = "c2sp.org/tlog-proof@v1"


class ProofFails(Exception):
    """The proof does not show what it should."""


def inclusion_text(index: int, path: Sequence[bytes], signed: str) -> str:
    """Return the proof that record `index` is in the log of a signed checkpoint."""
    hashes = "".join(binascii.b2a_base64(one).decode() for one in path)
    return f"{TITLE}\nindex {index}\n{hashes}\n{signed}"


def verify_record(text: str, record: bytes, keys: Sequence[Verifier]) -> tuple[int, Checkpoint]:
    """Return the place of a record in the log and the checkpoint that shows it.

    Args:
        text: What `inclusion_text` returned.
        record: The sealed record, as it is stored.
        keys: The log's public keys.

    Raises:
        ProofFails: it is no proof of this record.
    """
    head, blank, signed = text.partition("\n\n")
    title, *lines = head.split("\n")
    lines = [line for line in lines if not line.startswith("extra ")]
    word, _, digits = (lines or [""])[0].partition(" ")
    if title != TITLE or not blank or word != "index" or not (digits.isascii() and digits.isdigit()):
        raise ProofFails("This is no proof of a record")
    try:
        path = [binascii.a2b_base64(line, strict_mode=True) for line in lines[1:]]
        stated, _ = checkpoint.signed_by(signed, keys, origin=keys[0].name)
    except (binascii.Error, NoteError) as error:
        raise ProofFails(str(error)) from error
    index = int(digits[:20])
    if not verify_inclusion(index, stated.size, leaf_hash(record), path, stated.root):
        raise ProofFails(f"The log of {stated.size} records does not hold this one as its record {index}")
    return index, stated


def verify_growth(text: str, old: Checkpoint, keys: Sequence[Verifier]) -> Checkpoint:
    """Return the checkpoint of a log that begins with the log of an old one.

    Args:
        text: What `Submission.to_bytes` returned.
        old: A verified checkpoint.
        keys: The log's public keys.

    Raises:
        ProofFails: it is no proof that the log of `old` goes on.
    """
    try:
        sent = parse(text.encode())
        stated, _ = checkpoint.signed_by(sent.note, keys, origin=keys[0].name)
    except (MalformedRequest, NoteError) as error:
        raise ProofFails(str(error)) from error
    if sent.old != old.size or not verify_consistency(old.size, stated.size, old.root, stated.root, sent.proof):
        raise ProofFails(f"The log of {stated.size} records does not begin with the {old.size} of the old checkpoint")
    return stated
