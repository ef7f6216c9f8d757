"""The manifest: what a backup holds. JSON, encrypted like everything else."""

from dataclasses import dataclass

import msgspec

from app.backup.failures import Damaged, OtherRelease
from app.backup.segment import Segment

FORMAT = 1

BLOB_ROWS = "@blobs"
"""Not a table: the blobs of this backup; custodian, digest, size, and the file they lie in."""
BLOB_COLUMNS = ("custodian", "digest", "size", "file")
KEY_ROWS = "@keys"
"""Not a table: the files of the keys folder."""
KEY_COLUMNS = ("path", "content")


@dataclass(frozen=True, slots=True)
class TableRows:
    """One table of the backup."""

    name: str
    columns: tuple[str, ...]
    """In the order of the rows."""
    rows: int


@dataclass(frozen=True, slots=True)
class AuditState:
    """The audit log at the instant of the backup."""

    size: int
    """The records in the tree."""
    staged: int
    """The records that waited for their place in it."""
    checkpoint: str
    """The last signed checkpoint; empty when the log had not begun."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds."""

    format: int
    taken: int
    """Microseconds since 1970 UTC: what was acknowledged before is in the backup."""
    engine: str
    """The database it was taken from; it restores on either."""
    revision: str
    """The migration the tables are of."""
    origin: str
    """The name of the audit log."""
    tables: tuple[TableRows, ...]
    segments: tuple[Segment, ...]
    blobs: int
    blob_bytes: int
    audit: AuditState


def to_json(manifest: Manifest) -> bytes:
    """Return the manifest as JSON."""
    return msgspec.json.encode(manifest)


def from_json(octets: bytes) -> Manifest:
    """Return the manifest that `to_json` wrote.

    Raises:
        OtherRelease: it is of a later format.
        Damaged: it is no manifest.
    """
    try:
        stated = msgspec.json.decode(octets).get("format")
        if stated != FORMAT:
            raise OtherRelease(f"The backup is of format {stated}; this release reads format {FORMAT}")
        return msgspec.json.decode(octets, type=Manifest)
    except (msgspec.MsgspecError, AttributeError) as error:
        raise Damaged(f"The manifest is none: {error}") from None
