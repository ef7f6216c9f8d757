"""An export of the log: a folder an auditor takes away and proves without the hub.

    records.ndjson      one sealed record a line, from the first
    hashes              the leaf hash of each, 32 bytes each, nothing between
    checkpoints.ndjson  one signed checkpoint a line, as a JSON string, with what witnesses signed beside it;
                        the last covers all records
    successions.ndjson  one note a line, as a JSON string, by which a key names the next
    timestamps.ndjson   one time stamp of a checkpoint a line: {"size": …, "token": base64 of the authority's answer}
    expired             how many records, from the first, retention has removed; only where it has
    log.vkey            the public key; compare it with the one you were given by other means

https://c2sp.org/tlog-checkpoint@v1.0.0
"""

import json
import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.audit.checkpoint import Checkpoint
from app.audit.note import Verifier
from app.audit.tree import HASH_BYTES
from app.audit.verdict import Verdict
from app.audit.verify import verify

RECORDS = "records.ndjson"
HASHES = "hashes"
CHECKPOINTS = "checkpoints.ndjson"
SUCCESSIONS = "successions.ndjson"
TIMESTAMPS = "timestamps.ndjson"
EXPIRED = "expired"
VKEY = "log.vkey"

_CHUNK_HASHES = 2048


class Writer:
    """Writes an export; records, hashes and checkpoints come in any order among each other.

    Take the hashes from where the tree keeps them, not from the records: a record that was altered must not
    bring a new hash with it.
    """

    def __init__(self, folder: Path, verifier: Verifier) -> None:
        folder.mkdir(parents=True)
        (folder / VKEY).write_text(verifier.vkey + "\n", encoding="utf-8")
        self._records = (folder / RECORDS).open("wb")
        self._hashes = (folder / HASHES).open("wb")
        self._checkpoints = (folder / CHECKPOINTS).open("wb")
        self._successions = (folder / SUCCESSIONS).open("wb")
        self._timestamps = (folder / TIMESTAMPS).open("wb")
        self._folder = folder

    def record(self, record: bytes) -> None:
        """Add the next record, as it is stored."""
        self._records.write(record + b"\n")

    def hash(self, leaf: bytes) -> None:
        """Add the next leaf hash."""
        self._hashes.write(leaf)

    def checkpoint(self, note: str) -> None:
        """Add a checkpoint."""
        self._checkpoints.write(_line(note))

    def succession(self, note: str) -> None:
        """Add the next succession of keys."""
        self._successions.write(_line(note))

    def timestamp(self, size: int, token: bytes) -> None:
        """Add the time stamp of the checkpoint of `size` records."""
        line = {"size": size, "token": b64encode(token).decode()}
        self._timestamps.write(json.dumps(line).encode() + b"\n")

    def expired(self, count: int) -> None:
        """Say that the first `count` records are not there, but for their hashes."""
        (self._folder / EXPIRED).write_text(f"{count}\n", encoding="ascii")

    def close(self) -> None:
        """Flush everything to the disk."""
        for file in (self._records, self._hashes, self._checkpoints, self._successions, self._timestamps):
            file.flush()
            os.fsync(file.fileno())
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def verify_export(
    folder: Path,
    verifier: Verifier,
    *,
    known: Checkpoint | None = None,
    witnesses: Sequence[Verifier] = (),
    quorum: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Return whether an export is the log that a key signed.

    Args:
        folder: What `Writer` wrote, or somebody changed since.
        verifier: The log's public key, had from elsewhere than the export.
        known: A checkpoint kept elsewhere.
        witnesses: The public keys of witnesses, had from elsewhere.
        quorum: How many of them must have signed the last checkpoint.
        progress: Called now and then with the number of records read.

    Raises:
        FileNotFoundError: A file of the export is missing.
    """
    with (folder / RECORDS).open("rb") as records, (folder / HASHES).open("rb") as hashes:
        return verify(
            (line.removesuffix(b"\n") for line in records),
            checkpoints(folder),
            verifier,
            hashes=_hashes(hashes),
            known=known,
            successions=successions(folder),
            witnesses=witnesses,
            quorum=quorum,
            expired=expired(folder),
            progress=progress,
        )


def checkpoints(folder: Path) -> list[str]:
    """Return the notes of an export; a line that is none comes back as it stands, for the proof to refuse."""
    return _notes(folder / CHECKPOINTS)


def successions(folder: Path) -> list[str]:
    """Return the notes by which the keys of an export follow each other; an export of an earlier release has none."""
    return _notes(folder / SUCCESSIONS) if (folder / SUCCESSIONS).exists() else []


def expired(folder: Path) -> int:
    """Return how many records of an export, from the first, retention has removed.

    Raises:
        ValueError: the file that says so holds no number.
    """
    path = folder / EXPIRED
    return max(0, int(path.read_text(encoding="ascii"))) if path.exists() else 0


def timestamps(folder: Path) -> list[tuple[int, bytes]]:
    """Return size and token of each time stamp of an export.

    Raises:
        ValueError: a line is none.
    """
    path = folder / TIMESTAMPS
    lines = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    try:
        return [(int(one["size"]), b64decode(one["token"], validate=True)) for one in lines]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} holds a line that is no time stamp") from error


def _line(note: str) -> bytes:
    return json.dumps(note, ensure_ascii=False).encode() + b"\n"


def _notes(path: Path) -> list[str]:
    notes = []
    for line in path.read_bytes().splitlines():
        try:
            notes.append(str(json.loads(line)))
        except ValueError:
            notes.append(line.decode(errors="replace"))
    return notes


def vkey(folder: Path) -> Verifier:
    """Return the key the export says it is signed with, to compare with the one you trust."""
    return Verifier.parse((folder / VKEY).read_text(encoding="utf-8").strip())


def _hashes(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_HASHES * HASH_BYTES):
        for at in range(0, len(chunk), HASH_BYTES):
            yield chunk[at : at + HASH_BYTES]
