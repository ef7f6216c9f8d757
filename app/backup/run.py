"""Takes a backup of a hub that goes on working.

Tables are read in one snapshot. Blobs are copied after it: they never change, and what the snapshot refers to was
durable before it. An interrupted run leaves its blobs, which the next one finds.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from app.backup import audit_tree, place, sums
from app.backup.blobs import BlobCopier, digest_of, names_key
from app.backup.encryption import Recipient, encrypt, recipients
from app.backup.events import BACKUP, failing, record
from app.backup.export import pages, tables
from app.backup.header import sign
from app.backup.manifest import (
    BLOB_COLUMNS,
    BLOB_ROWS,
    FORMAT,
    KEY_COLUMNS,
    KEY_ROWS,
    AuditState,
    Manifest,
    TableRows,
    to_json,
)
from app.backup.progress import Progress, silent
from app.backup.segment import SegmentWriter, Value
from app.blobs.tables import blob
from app.clock import instant
from app.db import DatabaseConnection
from app.db.version import STATED
from app.hub import Hub
from app.lifecycle import audit_keys
from fhir.store.connection import Row

_LISTED = 1_000
"""Blobs whose names are gathered before they are written to a segment."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that is whole and durable."""

    folder: Path
    rows: int
    blobs: int
    audit: AuditState
    key: str
    """The public key it is signed with, as signed notes write it: keep it elsewhere than the backup."""


async def run(hub: Hub, folder: Path, to: Sequence[str], *, progress: Progress = silent) -> Taken:
    """Take a backup.

    Args:
        hub: The hub; its audit log is running.
        folder: The place of backups; made when it is missing.
        to: Public keys (`age1…`) of those who may restore.
        progress: Told how far it is.

    Raises:
        UnknownRecipient: one of `to` is no public key.
        Busy: another run writes into the same place.
        Damaged: the hub itself misses a blob, or has one that is damaged.
        OSError: the place cannot be written.
    """
    keys = recipients(to)
    with place.locked(folder):
        async with failing(hub, BACKUP, folder):
            await record(hub, BACKUP, folder, f"A backup begins, encrypted to {', '.join(to)}")
            # The begin of the backup is in the backup, under a checkpoint of the key that signs now.
            await hub.leader.integrate_all()
            taken = await _take(hub, folder, keys, progress)
        done = f"{taken.folder.name}: {taken.rows} rows, {taken.blobs} blobs, audit log of {taken.audit.size} records"
        await record(hub, BACKUP, folder, done)
    return taken


async def _take(hub: Hub, folder: Path, to: Sequence[Recipient], progress: Progress) -> Taken:
    instant_taken = hub.clock()
    partial = place.begin(folder, instant_taken)
    writer = SegmentWriter(partial, to)
    written: list[TableRows] = []
    with tempfile.TemporaryFile() as spool, sums.SumsWriter(partial) as listed:
        async with hub.database.snapshot() as snapshot:
            revision = str((await snapshot.fetch(STATED, {}))[0][0])
            written += await _tables(snapshot, writer, spool, progress)
            audit = await audit_tree.state(snapshot)
        copier = BlobCopier(hub.blobs, folder, partial, to, names_key(hub.settings.keys_folder))
        blobs = _Copying(copier, spool, listed, progress)
        written.append(TableRows(BLOB_ROWS, BLOB_COLUMNS, await writer.table(BLOB_ROWS, BLOB_COLUMNS, blobs.rows())))
        keys = _key_files(hub.settings.keys_folder)
        written.append(TableRows(KEY_ROWS, KEY_COLUMNS, await writer.table(KEY_ROWS, KEY_COLUMNS, keys)))
        manifest = Manifest(
            format=FORMAT,
            taken=instant_taken,
            engine=hub.database.dialect,
            revision=revision,
            origin=hub.settings.audit_origin,
            tables=tuple(written),
            segments=tuple(writer.segments),
            blobs=blobs.count,
            blob_bytes=blobs.octets,
            audit=audit,
        )
        _close(partial, manifest, to, listed)
    signer = audit_keys(hub.settings)[1]
    header = sign(instant(instant_taken), len(writer.segments), blobs.count, listed.digest, signer)
    place.write(partial / place.HEADER, header)
    total = sum(one.rows for one in written)
    return Taken(place.finish(partial), total, blobs.count, audit, signer.verifier.vkey)


async def _tables(
    snapshot: DatabaseConnection, writer: SegmentWriter, spool: BinaryIO, progress: Progress
) -> list[TableRows]:
    """Write every table; the blobs' names are put aside, so that the snapshot can end before they are copied."""
    written = []
    for table in tables():
        name, columns = str(table.name), tuple(str(column.name) for column in table.columns)
        told = _told(pages(snapshot, table), name, progress)
        found = _put_aside(told, columns, spool) if table is blob else told
        written.append(TableRows(name, columns, await writer.table(name, columns, found)))
    return written


async def _told(source: AsyncIterator[Sequence[Row]], name: str, progress: Progress) -> AsyncIterator[Sequence[Row]]:
    done = 0
    async for page in source:
        yield page
        done += len(page)
        progress(name, done)


async def _put_aside(
    source: AsyncIterator[Sequence[Row]], columns: Sequence[str], spool: BinaryIO
) -> AsyncIterator[Sequence[Row]]:
    wanted = [columns.index(name) for name in BLOB_COLUMNS[:3]]
    async for page in source:
        spool.writelines(msgspec.json.encode([row[at] for at in wanted]) + b"\n" for row in page)
        yield page


def _aside(spool: BinaryIO) -> Iterator[tuple[int, str, int]]:
    spool.seek(0)
    for line in spool:
        yield msgspec.json.decode(line, type=tuple[int, str, int])


class _Copying:
    """Copies the blobs that were put aside, and counts them."""

    def __init__(self, copier: BlobCopier, spool: BinaryIO, listed: sums.SumsWriter, progress: Progress) -> None:
        self.count = 0
        self.octets = 0
        self._copier = copier
        self._spool = spool
        self._listed = listed
        self._progress = progress

    async def rows(self) -> AsyncIterator[list[tuple[Value, ...]]]:
        """Return the rows of the copied blobs, in pages."""
        page: list[tuple[Value, ...]] = []
        for custodian, digest, size in _aside(self._spool):
            file = await self._copier.copy(custodian, digest)
            self._listed.add(f"../{file}", digest_of(file))
            self.count += 1
            self.octets += size
            self._progress(place.BLOBS, self.count)
            page.append((custodian, digest, size, file))
            if len(page) == _LISTED:
                yield page
                page = []
        yield page


async def _key_files(folder: Path) -> AsyncIterator[list[tuple[Value, ...]]]:
    """Return the files of the keys folder: without them nobody reads the audit log that is restored."""
    yield await asyncio.to_thread(_read_keys, folder)


def _read_keys(folder: Path) -> list[tuple[Value, ...]]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in {".new", ".tmp"}]
    return [(path.relative_to(folder).as_posix(), path.read_bytes()) for path in files]


def _close(partial: Path, manifest: Manifest, to: Sequence[Recipient], listed: sums.SumsWriter) -> None:
    """Write the manifest and list what is not listed yet."""
    for segment in manifest.segments:
        listed.add(segment.name, segment.sha256)
    place.write(partial / place.MANIFEST, encrypt(to_json(manifest), to))
    listed.add(place.MANIFEST, place.digest(partial / place.MANIFEST))
