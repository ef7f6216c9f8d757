"""The header: what a backup says of itself without a key, signed by the hub that took it.

Age tells nobody who encrypted, and whoever has the public key can; so the hub signs with the key of its audit log.
A checkpoint has three lines and a header six, so that neither can be taken for the other.
https://c2sp.org/signed-note@v1.0.0
"""

import re
from dataclasses import dataclass

from app.audit import note
from app.audit.note import NoteError, Signer, Verifier
from app.backup.failures import Damaged

_TEXT = re.compile(
    r"renkei-backup 1\ntaken (?P<taken>[0-9TZ:.-]+)\nsegments (?P<segments>\d+)\nblobs (?P<blobs>\d+)\n"
    r"sums (?P<sums>[0-9a-f]{64})\nkey (?P<key>\S+)\n"
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup says of itself."""

    taken: str
    """A FHIR instant."""
    segments: int
    blobs: int
    sums: str
    """The SHA-256 of the list of digests, 64 hexadecimal digits."""
    key: str
    """The public key of the hub that took the backup, as signed notes write it."""


def sign(taken: str, segments: int, blobs: int, sums: str, signer: Signer) -> bytes:
    """Return the file of a header."""
    text = f"renkei-backup 1\ntaken {taken}\nsegments {segments}\nblobs {blobs}\nsums {sums}\n"
    return note.sign(f"{text}key {signer.verifier.vkey}\n", signer).encode()


def verify(file: bytes, key: str | None = None) -> Header:
    """Return what a header says, once its signature holds.

    Args:
        file: The header.
        key: The hub's public key, had from elsewhere than the backup; without it the header is only known to be
            whole, not whose it is.

    Raises:
        Damaged: it was altered, or another hub took the backup.
    """
    try:
        text, _ = note.parse(file)
        stated = _TEXT.fullmatch(text)
        if stated is None:
            raise Damaged("HEADER is not the header of a backup of format 1")
        note.verify(file, [Verifier.parse(stated["key"])])
    except NoteError as error:
        raise Damaged(f"HEADER was altered: {error}") from None
    if key is not None and stated["key"] != key:
        raise Damaged(f"The backup is signed by {stated['key']}, not by {key}")
    return Header(stated["taken"], int(stated["segments"]), int(stated["blobs"]), stated["sums"], stated["key"])
