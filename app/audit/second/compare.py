"""Compares the second log with the log: what one of the two has and the other lacks.

Needs no key: a record is the same bytes in both.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from app.audit.export import HASHES, RECORDS, expired
from app.audit.second.entries import ACCESS, Entry, entries
from app.audit.tree import HASH_BYTES, leaf_hash

GRACE = 60_000_000
"""Microseconds before the log's last record within which it may lack an entry: that is taken up in a moment."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found."""

    both: int
    """Lines of the second log whose records are in the log, or were until retention removed them."""
    lacking: list[int] = field(default_factory=list)
    """Numbers of the accesses that the log lacks, in their order."""
    undone: int = 0
    """Acts that the log lacks: they were tried, and not done."""
    younger: int = 0
    """Lines that are younger than the log's end, or not much older: nothing is said of them."""
    damaged: int = 0
    """Lines of the second log that cannot be read: nobody knows whether the log has their records."""
    elsewhere: int = 0
    """Records of break-glass since the first line that the second log lacks: of another machine, or lost here."""

    @property
    def ok(self) -> bool:
        """Whether the log has every access that the second log has, as far as can be read."""
        return not self.lacking and not self.damaged

    @property
    def message(self) -> str:
        """What was found, as a sentence."""
        parts = [f"{self.both} entries of the second log are in the log"]
        if self.undone:
            parts.append(f"{self.undone} acts are in the second log only: they were tried and not done")
        if self.younger:
            parts.append(f"{self.younger} entries are too young to be compared")
        if self.elsewhere:
            parts.append(f"{self.elsewhere} records of break-glass are not in this second log")
        if self.damaged:
            parts.append(f"{self.damaged} lines of the second log cannot be read")
        if self.lacking:
            parts.append(f"the log lacks {len(self.lacking)} accesses, first entry {self.lacking[0]}")
        return "; ".join(parts)


def compare(records: Iterable[bytes], folder: Path, gone: Iterable[bytes] = ()) -> Comparison:
    """Compare a second log with the records of the log.

    Args:
        records: The records of the log, in their order; each is read once.
        folder: The second log's.
        gone: The leaf hashes of the records that retention has removed.
    """
    damaged: list[str] = []
    waiting: dict[bytes, Entry] = {leaf_hash(entry.record): entry for entry in entries(folder, damaged)}
    begins = min((_time(entry.record) for entry in waiting.values()), default=2**63)
    both = sum(waiting.pop(one, None) is not None for one in gone)
    elsewhere = 0
    record = b""
    for record in records:
        if waiting.pop(leaf_hash(record), None) is not None:
            both += 1
        elif b'"i":"break-glass' in record and _time(record) >= begins:
            elsewhere += 1
    ends = _time(record) - GRACE
    old = [entry for entry in waiting.values() if _time(entry.record) < ends]
    lacking = sorted(entry.row for entry in old if entry.kind == ACCESS)
    return Comparison(both, lacking, len(old) - len(lacking), len(waiting) - len(old), len(damaged), elsewhere)


def compare_export(folder: Path, second: Path) -> Comparison:
    """Compare a second log with an export of the log.

    Raises:
        FileNotFoundError: the export has no records, or no hashes.
        ValueError: the export does not say how many of its records are gone.
    """
    with (folder / RECORDS).open("rb") as records, (folder / HASHES).open("rb") as hashes:
        gone = islice(iter(partial(hashes.read, HASH_BYTES), b""), expired(folder))
        return compare((line.removesuffix(b"\n") for line in records), second, gone)


def _time(record: bytes) -> int:
    """Return when a record was made, in microseconds since 1970 UTC; 0 of what is none."""
    try:
        return int(json.loads(record)["t"])
    except (ValueError, KeyError, TypeError):
        return 0
