"""What is kept of sources' images in a folder for a while, by each source's policy.

A file is named by the reference that it was fetched for: by its row, which is never used again, and by its source. So
another instance of the same UID, whoever's it is and however it came, is never answered out of it.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.blobs import Incoming

if TYPE_CHECKING:
    from dicom.store.read import InstanceRow
    from dicom.store.refer import Reference

DAY_SECONDS = 86_400

PICTURE_DAYS = 365
"""How long a small picture is kept."""

LEFT_BEHIND_SECONDS = DAY_SECONDS
"""What was begun so long ago is of a process that ended within it."""


class Cache:
    """The folder.

    Args:
        folder: Below it are custodians, and below those the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"

    def incoming(self) -> Incoming:
        """Return an empty file, which `put` takes."""
        return Incoming(self._incoming)

    def place(self, row: "InstanceRow | Reference", asked: str = "") -> Path:
        """Return where an instance is, or with `asked` what was made of it."""
        name = _name(row)
        made = f"-{hashlib.sha256(asked.encode()).hexdigest()[:32]}" if asked else ""
        return self._folder / str(row.custodian) / name[:2] / f"{name}{made}"

    def put(self, incoming: Incoming, path: Path) -> None:
        """Keep a file at a place; those who read what was there go on reading that."""
        incoming.finish()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        incoming.path.replace(path)

    def forget(self, rows: "Sequence[InstanceRow | Reference]") -> None:
        """Remove what is kept of references."""
        for row in rows:
            path = self.place(row)
            for one in path.parent.glob(f"{path.name}*"):
                one.unlink(missing_ok=True)

    def sweep(self, days: Mapping[int, int], most_bytes: int) -> int:
        """Remove what is too old, and the oldest of too much; return the bytes that are left.

        Args:
            days: How long files are kept, by custodian; those of others not at all.
            most_bytes: Of all that is kept.
        """
        now, left = time.time(), []
        for path in self._incoming.glob("*"):
            _remove_before(path, now - LEFT_BEHIND_SECONDS)
        for path in self._folder.glob("*/*/*"):
            custodian = path.parts[-3]
            if custodian.isdecimal():
                found = _remove_before(path, now - days.get(int(custodian), 0) * DAY_SECONDS)
                if found is not None:
                    left.append((*found, path))
        total = sum(size for _, size, _ in left)
        for _, size, path in sorted(left):
            if total <= most_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total


def is_fresh(path: Path, days: int) -> bool:
    """Return whether a file is there and was put there less than so many days ago."""
    try:
        return time.time() - path.stat().st_mtime < days * DAY_SECONDS
    except FileNotFoundError:
        return False


def _name(row: "InstanceRow | Reference") -> str:
    return hashlib.sha256(f"{row.source} {row.patient_key} {row.id} {row.sop_instance_uid}".encode()).hexdigest()


def _remove_before(path: Path, oldest: float) -> tuple[float, int] | None:
    """Remove a file that was last changed before an instant; return when that was, and its bytes, if it is left."""
    try:
        found = path.stat()
        if found.st_mtime < oldest:
            path.unlink()
            return None
    except FileNotFoundError:
        return None
    return found.st_mtime, found.st_size
