"""Verifies a backup by reading it: without a private key that it is whole, with one that it can be restored."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.audit.note import Verifier
from app.backup import audit_tree, blobs, place
from app.backup.encryption import Identity
from app.backup.events import VERIFY, failing, record
from app.backup.failures import Damaged
from app.backup.header import Header
from app.backup.manifest import BLOB_ROWS, Manifest
from app.backup.progress import Progress, silent
from app.backup.reading import Reading, check, open_backup
from app.blobs.tables import blob
from app.db import DatabaseUnavailable
from app.db.version import WrongVersion
from app.hub import Hub
from app.lifecycle import open_hub
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Verified:
    """A backup that was found to be what was written."""

    folder: Path
    header: Header
    manifest: Manifest | None
    """What it holds; known only when it was read with a private key."""


def verify(
    folder: Path,
    by: Sequence[Identity] = (),
    *,
    key: str | None = None,
    progress: Progress = silent,
) -> Verified:
    """Verify a backup.

    Args:
        folder: A backup, or a place of backups, of which the newest is verified.
        by: Private keys. Without them every file is compared with its digest; with them everything is decrypted and
            read, rows are counted, blobs hashed, and the audit log is proven.
        key: The public key of the hub that took the backup, had from elsewhere than the backup.
        progress: Told how far it is.

    Raises:
        WrongIdentity: the backup was not encrypted to any of `by`.
        OtherRelease: a later release took it.
        Damaged: the message names what is wrong.
    """
    found = place.find(folder)
    header = check(found, key, progress)
    if not by:
        return Verified(found, header, None)
    reading = open_backup(found, by)
    read_all(reading, header.key, progress)
    return Verified(found, header, reading.manifest)


async def verify_on_record(
    settings: Settings,
    folder: Path,
    by: Sequence[Identity] = (),
    *,
    key: str | None = None,
    progress: Progress = silent,
) -> Verified:
    """Verify a backup as `verify` does, and record it where there is a hub to record it in.

    A backup is verified as well on a machine that has nothing but the backup.
    """
    hub = await _hub(settings)
    if hub is None:
        return await asyncio.to_thread(verify, folder, by, key=key, progress=progress)
    hub.audit.start()
    try:
        async with failing(hub, VERIFY, folder):
            found = await asyncio.to_thread(verify, folder, by, key=key, progress=progress)
        how = "decrypted and read" if by else "compared with its digests"
        await record(hub, VERIFY, folder, f"{found.folder.name} was {how}; it is whole")
    finally:
        await hub.close()
    return found


async def _hub(settings: Settings) -> Hub | None:
    if not settings.is_postgresql and not settings.sqlite_path.exists():
        return None
    try:
        return await open_hub(settings)
    except (DatabaseUnavailable, WrongVersion):
        return None


def read_all(reading: Reading, key: str, progress: Progress) -> None:
    """Decrypt and read everything of a backup.

    Raises:
        WrongIdentity: part of it was encrypted to somebody else.
        Damaged: it does not hold what its manifest says.
    """
    for table in reading.manifest.tables:
        done = 0
        for batch in reading.batches(table):
            done += len(batch)
            progress(table.name, done)
    _read_blobs(reading, progress)
    audit_tree.prove(reading.rows, reading.manifest.audit, Verifier.parse(key))


def _read_blobs(reading: Reading, progress: Progress) -> None:
    columns = reading.columns(blob.name)
    at = [columns.index(name) for name in ("custodian", "digest")]
    listed = reading.rows(blob.name)
    done = 0
    for custodian, digest, _, file in reading.rows(BLOB_ROWS):
        row = next(listed, None)
        if row is None or [row[one] for one in at] != [custodian, digest]:
            raise Damaged(f"The backup holds blob {digest}, which its database does not name there")
        blobs.read(reading.folder.parent / file, digest, reading.by)
        done += 1
        progress(place.BLOBS, done)
    if next(listed, None) is not None or done != reading.manifest.blobs:
        raise Damaged("The backup lacks a blob that its database names")
