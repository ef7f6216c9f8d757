"""`add-checkpoint`: a log shows its newest checkpoint and the proof that it goes on from the last one.

What a log sends, and what a witness answers; both sides read and write it here.

https://c2sp.org/tlog-witness
"""

import binascii
from dataclasses import dataclass

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint
from app.audit.note import NoteError, Signer, UnknownSigner, Verifier, WrongSignature
from app.audit.tree import HASH_BYTES, verify_consistency
from app.audit.witness.state import State

MOST_LINES = 63
"""Hashes of a proof; more are refused unread."""

MOST_BYTES = 65_536
"""Bytes of a request; a checkpoint with a hundred signatures has 20,000."""

SIZE_TYPE = "text/x.tlog.size"
TEXT = "text/plain; charset=utf-8"


class MalformedRequest(ValueError):
    """The body is no request of this protocol."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log sends."""

    old: int
    """The size of the checkpoint that the witness has signed last; 0 for none."""
    proof: tuple[bytes, ...]
    """That the log of the checkpoint begins with that one."""
    note: str
    """The checkpoint with the log's signature."""

    def to_bytes(self) -> bytes:
        """Return the body of the request."""
        lines = [f"old {self.old}\n", *(binascii.b2a_base64(one).decode() for one in self.proof), "\n", self.note]
        return "".join(lines).encode()


@dataclass(frozen=True, slots=True)
class Reply:
    """What a witness answers."""

    status: int
    body: str
    type: str = TEXT


def parse(body: bytes) -> Submission:
    """Return what a log has sent; the checkpoint's signature is not verified.

    Raises:
        MalformedRequest: It is nothing that a log may send.
    """
    if len(body) > MOST_BYTES:
        raise MalformedRequest(f"a request has {MOST_BYTES} bytes at most")
    try:
        head, blank, signed = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise MalformedRequest("a request is UTF-8") from None
    first, *lines = head.split("\n")
    word, _, size = first.partition(" ")
    if not blank or word != "old" or not (size.isascii() and size.isdigit()) or str(int(size[:20])) != size:
        raise MalformedRequest("a request begins with a line `old <size>`")
    if len(lines) > MOST_LINES:
        raise MalformedRequest(f"a proof has {MOST_LINES} lines at most")
    try:
        proof = tuple(binascii.a2b_base64(line, strict_mode=True) for line in lines)
    except ValueError:
        raise MalformedRequest("a line of a proof is base64") from None
    if any(len(one) != HASH_BYTES for one in proof):
        raise MalformedRequest(f"a hash of a proof has {HASH_BYTES} bytes")
    return Submission(int(size), proof, signed)


def _trusted(signed: str, logs: dict[str, list[Verifier]]) -> tuple[Checkpoint, str] | Reply:
    """Return the checkpoint that a trusted log has signed and its text, or the refusal."""
    try:
        text, _ = note.parse(signed)
        stated = checkpoint.parse_text(text)
    except NoteError as error:
        return Reply(400, f"{error}\n")
    keys = logs.get(stated.origin)
    if not keys:
        return Reply(404, "this log is not known here\n")
    try:
        note.verify(signed, keys)
    except (UnknownSigner, WrongSignature):
        return Reply(403, "the log's key did not sign this\n")
    return stated, text


def add_checkpoint(body: bytes, state: State, signer: Signer, logs: dict[str, list[Verifier]], seconds: int) -> Reply:
    """Return the answer to a request; what is cosigned is durable in `state` by then.

    Args:
        body: The request's body.
        state: What this witness has signed.
        signer: Signs.
        logs: The public keys of the logs that are witnessed, by origin.
        seconds: The present since 1970 UTC.
    """
    try:
        sent = parse(body)
    except MalformedRequest as error:
        return Reply(400, f"{error}\n")
    found = _trusted(sent.note, logs)
    if isinstance(found, Reply):
        return found
    new, text = found
    if sent.old > new.size:
        return Reply(400, "the old size is more than the checkpoint's\n")
    with state.held(new.origin) as held:
        last = held.last
        if sent.old != last.size or (last.size == new.size and last.size and last.root != new.root):
            if last.size > new.size or (last.size == new.size and last.root != new.root):
                held.refuse(sent.note, seconds)
            return Reply(409, f"{last.size}\n", SIZE_TYPE)
        if not _goes_on(last, new, sent.proof):
            held.refuse(sent.note, seconds)
            return Reply(422, "the proof does not show that the log goes on from what was cosigned\n")
        held.keep(new, sent.note, seconds)
    return Reply(200, signer.sign(text, seconds))


def _goes_on(last: Checkpoint, new: Checkpoint, proof: tuple[bytes, ...]) -> bool:
    if last.size == 0:
        return not proof
    return verify_consistency(last.size, new.size, last.root, new.root, proof)
