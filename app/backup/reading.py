"""Opening a backup: header, list of digests, manifest; and the rows of its tables, each checked as it is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.backup import header, place, segment, sums
from app.backup.encryption import Identity, decrypt
from app.backup.failures import Damaged
from app.backup.header import Header
from app.backup.manifest import Manifest, TableRows, from_json
from app.backup.progress import Progress


def check(folder: Path, key: str | None, progress: Progress) -> Header:
    """Check without any private key that every file of a backup is there and is what was written.

    Args:
        folder: The backup.
        key: The public key of the hub that took it, when it is known.
        progress: Told how many files have been read.

    Raises:
        Damaged: the message names the file and what is wrong with it.
    """
    try:
        stated = header.verify((folder / place.HEADER).read_bytes(), key)
    except FileNotFoundError:
        raise Damaged(f"{place.HEADER} is missing") from None
    if place.digest(folder / place.SUMS) != stated.sums:
        raise Damaged(f"{place.SUMS} is not the list that {place.HEADER} is signed for")
    blobs = segments = 0
    for done, (name, digest) in enumerate(sums.read(folder), 1):
        if place.digest(folder / name) != digest:
            raise Damaged(f"{name} was altered or cut off: its digest is not the one in {place.SUMS}")
        blobs += name.startswith("../")
        segments += name[0].isdigit()
        progress("files", done)
    if (segments, blobs) != (stated.segments, stated.blobs):
        raise Damaged(f"{place.SUMS} lists {segments} segments and {blobs} blobs, {place.HEADER} says otherwise")
    return stated


@dataclass(frozen=True, slots=True)
class Reading:
    """A backup that is open."""

    folder: Path
    manifest: Manifest
    by: Sequence[Identity]

    def columns(self, table: str) -> tuple[str, ...]:
        """Return the columns of a table, in the order of its rows; none when the backup lacks it."""
        return next((one.columns for one in self.manifest.tables if one.name == table), ())

    def batches(self, table: TableRows) -> Iterator[list[tuple[Any, ...]]]:
        """Return the rows of a table, a segment at a time.

        Raises:
            WrongIdentity: a segment was encrypted to somebody else.
            Damaged: a segment is not what was written, or there are more or fewer rows than the manifest says.
        """
        total = 0
        for one in self.manifest.segments:
            if one.table == table.name:
                rows = list(segment.rows(self.folder, one, table.columns, self.by))
                if len(rows) != one.rows:
                    raise Damaged(f"{one.name} holds {len(rows)} rows, the manifest names {one.rows}")
                total += len(rows)
                yield rows
        if total != table.rows:
            raise Damaged(f"{table.name} has {total} rows, the manifest names {table.rows}")

    def rows(self, table: str) -> Iterator[tuple[Any, ...]]:
        """Return the rows of a table by its name; none when the backup lacks it."""
        for one in self.manifest.tables:
            if one.name == table:
                for batch in self.batches(one):
                    yield from batch


def open_backup(folder: Path, by: Sequence[Identity]) -> Reading:
    """Open a backup that `check` has passed.

    Raises:
        WrongIdentity: it was not encrypted to any of `by`.
        OtherRelease: it is of a later format.
        Damaged: its manifest cannot be read.
    """
    encrypted = (folder / place.MANIFEST).read_bytes()
    return Reading(folder, from_json(decrypt(encrypted, by, place.MANIFEST)), by)
