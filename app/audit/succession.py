"""Successions: the log's key names the one that signs after it, so that who trusts the old key can trust the new.

A succession is a note that both keys sign: four lines, `renkei audit key`, the log's origin, the number of records
that the old key answers for, the new key. A key that signs a checkpoint of more records than that has been stolen.

https://c2sp.org/signed-note@v1.0.0
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.audit import note
from app.audit.note import ED25519, NoteError, Signer, Verifier

TITLE = "renkei audit key"


class MalformedSuccession(NoteError):
    """The note names no key that follows another."""


@dataclass(frozen=True, slots=True)
class Succession:
    """One key that follows another."""

    size: int
    """Records that the key before it has signed; it signs all checkpoints of more."""
    key: Verifier


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that a log was signed with, from one that is trusted on."""

    keys: tuple[Verifier, ...]
    """The trusted one first."""
    ends: tuple[int, ...]
    """By key but the last: the records that it answers for."""

    def until(self, key: Verifier) -> int | None:
        """Return the records that a key may sign at most; None for the last, which has no such end."""
        at = self.keys.index(key)
        return self.ends[at] if at < len(self.ends) else None


def succeed(origin: str, size: int, old: Signer | None, new: Signer) -> str:
    """Return the note by which `old` gives the log to `new` once it has `size` records.

    When the old key was lost, nobody gives it: who trusts the old key is told of the new one by other means.
    """
    return note.sign(f"{TITLE}\n{origin}\n{size}\n{new.verifier.vkey}\n", *([old] if old else []), new)


def parse_text(text: str, origin: str) -> Succession:
    """Return what the text of a succession says.

    Raises:
        MalformedSuccession: It is none, or another log's.
    """
    lines = text.split("\n")
    if len(lines) != 5 or lines[0] != TITLE or lines[1] != origin:
        raise MalformedSuccession(f"not a succession of {origin}")
    if not (lines[2].isascii() and lines[2].isdigit()) or len(lines[2]) > 20:
        raise MalformedSuccession(f"a size is decimal digits, not {lines[2]!r}")
    key = Verifier.parse(lines[3])
    if key.name != origin or key.type != ED25519:
        raise MalformedSuccession(f"{key.vkey} is no key of {origin}")
    return Succession(int(lines[2]), key)


def follow(trusted: Verifier, successions: Iterable[str]) -> Keyring:
    """Return the keys that follow a trusted one, each named by the one before it.

    A note that another key signed is passed over: it is of before the trusted key, or of nobody.

    Args:
        trusted: The key that was had from elsewhere.
        successions: Notes, the oldest first.

    Raises:
        NoteError: A note that names the key before it was not signed by it, or not by the key that it names.
    """
    keys: list[Verifier] = [trusted]
    ends: list[int] = []
    for signed in successions:
        text, signatures = note.parse(signed)
        if (keys[-1].name, keys[-1].id) not in {(one.name, one.id) for one in signatures}:
            continue
        named = parse_text(text, trusted.name)
        if named.key == keys[-1]:
            continue  # The note by which this key was named.
        _, signers = note.verify(signed, [keys[-1], named.key])
        if len(signers) != 2:
            raise MalformedSuccession(f"{named.key.vkey} did not sign that it follows")
        if ends and named.size < ends[-1]:
            raise MalformedSuccession("a key answers for fewer records than the one before it")
        keys.append(named.key)
        ends.append(named.size)
    return Keyring(tuple(keys), tuple(ends))


def last(successions: Sequence[str]) -> str:
    """Return the text form of the key that the last of these notes names; empty when there is none."""
    return note.parse(successions[-1])[0].split("\n")[3] if successions else ""
