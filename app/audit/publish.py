"""Tiles as static files: a folder that any web server shows, and that grows with the log.

https://c2sp.org/tlog-tiles
"""

from pathlib import Path

from app.audit import note, proofs
from app.audit.checkpoint import parse_text
from app.audit.tile import tiles
from app.db import Database
from app.flush import write_whole

CHECKPOINT = "checkpoint"


async def publish(database: Database, folder: Path) -> int:
    """Write the tiles that are new since the checkpoint in `folder`, then the newest checkpoint; return how many.

    Raises:
        IndexError: the log has no checkpoint yet, or the one in the folder is of more records than it has.
    """
    async with database.snapshot() as connection:
        size, signed = await proofs.newest(connection)
        since = _size(folder)
        if since > size:
            raise IndexError(f"the checkpoint in {folder} is of {since} records, the log has {size}")
        wanted = tiles(size, since)
        for one in wanted:
            write(folder / one.path, await proofs.tile(connection, one))
    # Whoever reads the checkpoint finds the tiles that it needs.
    write(folder / CHECKPOINT, signed.encode())
    return len(wanted)


def _size(folder: Path) -> int:
    path = folder / CHECKPOINT
    return parse_text(note.parse(path.read_bytes())[0]).size if path.exists() else 0


def write(path: Path, octets: bytes) -> None:
    """Write a file of any folder that is there whole and durable, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, octets)
