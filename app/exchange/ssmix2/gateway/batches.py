"""Reads what is to be sent, a batch at a time: files that the journal does not know, or knows otherwise."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.exchange.ssmix2.gateway.journal import DEAD, Journal, Row
from app.exchange.ssmix2.gateway.line import Letter
from app.exchange.ssmix2.gateway.walk import Found, Unread, files_of, logged, readable

BATCH_FILES = 600
"""Files after which a batch ends with the patient."""
MOST_FILES = 1_000
"""Files of a batch; what the hub's door takes."""
BATCH_BYTES = 4_000_000
MOST_BYTES = 20_000_000
"""A larger file is not read; nothing that the hub stores is."""
LONGEST_PATH = 1_000
"""Characters."""


@dataclass(slots=True)
class Batch:
    """Files that are sent together."""

    letters: list[Letter] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    """What the journal will say of each once it is answered."""
    known: list[Row] = field(default_factory=list)
    """Files that were touched and say what they said."""
    refused: list[tuple[Row, str]] = field(default_factory=list)
    """Files that are not sent, and why."""
    size: int = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing is to be added."""
        return self.count >= MOST_FILES or self.size >= BATCH_BYTES

    @property
    def count(self) -> int:
        """How many files there are, of the kind there are most of."""
        return max(len(self.letters), len(self.known), len(self.refused))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return not (self.letters or self.known or self.refused)

    def add(self, letter: Letter, row: Row) -> None:
        """Add a file."""
        self.letters.append(letter)
        self.rows.append(row)
        self.size += letter.size

    def halves(self) -> tuple["Batch", "Batch"]:
        """Return its first and its second half."""
        middle = len(self.letters) // 2
        first = Batch(self.letters[:middle], self.rows[:middle])
        return first, Batch(self.letters[middle:], self.rows[middle:])


class Reader:
    """Reads the files of patients.

    Args:
        root: The root of the store.
        journal: What was sent before.
        settle_seconds: How long nobody must have written to a file.

    Attributes:
        unfinished: The patients of whom a file was not whole yet: they are looked at again.
        begun: How many patients were begun.
        unread: What is there and cannot be read, and why, by its path: it is tried again at each look.
    """

    def __init__(self, root: Path, journal: Journal, settle_seconds: float) -> None:
        self._root = root
        self._journal = journal
        self._settle = settle_seconds
        self.unfinished: set[str] = set()
        self.begun = 0
        self.unread: dict[str, str] = {}
        self._logged: set[str] = set()

    def note_unread(self, path: str, error: OSError) -> None:
        """Note that something cannot be read."""
        if path not in self._logged:
            self._logged.add(path)
            logged(path, error)
        self.unread[path] = error.strerror or str(error)

    def batches(self, patients: Iterable[str], *, first: Iterable[Found] = ()) -> Iterator[Batch]:
        """Yield what is to be sent of patients, each one's files in their order.

        Args:
            patients: Their folders.
            first: Files outside of any patient's folder.
        """
        batch, patient = Batch(), ""
        for found, row in self._files(patients, first):
            folder = "/".join(found.path.split("/")[:3])
            if batch.is_full or (batch.count >= BATCH_FILES and folder != patient):
                yield batch
                batch = Batch()
            patient = folder
            self._add(batch, found, row)
        if not batch.is_empty:
            yield batch

    def _files(self, patients: Iterable[str], first: Iterable[Found]) -> Iterator[tuple[Found, Row | None]]:
        for one in first:
            yield one, self._journal.below(one.path.rpartition("/")[0]).get(one.path) if "/" in one.path else None
        for patient in patients:
            self.begun += 1
            self.unfinished.discard(patient)
            known = self._journal.below(readable(patient))
            self._forget_unread(readable(patient))
            found = files_of(self._root, patient, self.note_unread)
            news = [one for one in found if not _is_known(one, known.get(one.path))]
            whole = [one for one in news if one.is_whole(self._settle)]
            if len(whole) < len(news):
                # What was replaced is renamed before what replaces it is there: it waits for that.
                self.unfinished.add(patient)
                whole = [one for one in whole if one.path.endswith("_1")]
            for one in whole:
                yield one, known.get(one.path)

    def _forget_unread(self, patient: str) -> None:
        for path in [one for one in self.unread if one == patient or one.startswith(f"{patient}/")]:
            del self.unread[path]

    def _add(self, batch: Batch, found: Found, known: Row | None) -> None:
        reason = _not_sent(found)
        if reason:
            batch.refused.append((Row(found.path, found.mtime_ns, found.size, b"", DEAD), reason))
            return
        letter = _read(found, self.note_unread)
        if letter is None:
            # It was renamed, or is being written: what it became is found at the next look.
            self.unfinished.add("/".join(found.path.split("/")[:3]))
            return
        row = Row(found.path, found.mtime_ns, found.size, digest_of(letter), 0)
        if known is not None and known.digest == row.digest:
            batch.known.append(replace(row, state=known.state))
        else:
            batch.add(letter, row)


def _not_sent(found: Found) -> str:
    """Return why a file is not even sent; empty when it is."""
    if found.size > MOST_BYTES:
        return f"the file has more than {MOST_BYTES} bytes"
    if len(found.path) > LONGEST_PATH:
        return f"the path has more than {LONGEST_PATH} characters"
    return ""


def _is_known(found: Found, row: Row | None) -> bool:
    return row is not None and (row.mtime_ns, row.size) == (found.mtime_ns, found.size)


def digest_of(letter: Letter) -> bytes:
    """Return the SHA-256 of a file; of a content folder that of its files' names and digests."""
    if letter.parts is None:
        return hashlib.sha256(letter.body).digest()
    whole = hashlib.sha256()
    for name, octets in sorted(letter.parts.items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(octets).digest())
    return whole.digest()


def _read(found: Found, unread: Unread) -> Letter | None:
    """Return a file's bytes; None when it is not any more what it was."""
    try:
        if found.parts is None:
            body = found.place.read_bytes()
            letter = Letter(found.path, body)
        else:
            parts = {readable(name): (found.place / name).read_bytes() for name in found.parts}
            letter = Letter(found.path, parts=parts)
    except FileNotFoundError:
        return None
    except OSError as error:
        unread(found.path, error)
        return None
    return letter if letter.size == found.size else None
