"""Restores a backup into an empty hub, on either database.

Everything of the database is one transaction: it ends with counts and audit log proven, or leaves nothing. Blobs and
keys are written before it, so a restore that was interrupted is simply run again.
"""

import asyncio
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import BigInteger, Column, MetaData, Select, Table, delete, func, literal_column, select, table, text

from app.audit.note import Verifier
from app.backup import audit_tree, blobs, place
from app.backup.bridge import blocking
from app.backup.encryption import Identity
from app.backup.events import RESTORE, record
from app.backup.export import pages, tables
from app.backup.failures import Damaged, NotEmpty, OtherHub, OtherRelease
from app.backup.header import Header
from app.backup.manifest import BLOB_ROWS, KEY_ROWS, Manifest, TableRows
from app.backup.place import BLOBS
from app.backup.progress import Progress, silent
from app.backup.reading import Reading, check, open_backup
from app.blobs import open_blobs
from app.db import Database, WriteConnection, open_database
from app.db.migrate import upgrade
from app.db.version import STATED, revisions
from app.lifecycle import open_hub
from app.settings import Settings

_VERSION = "alembic_version"
"""The table of the migrations themselves."""

_NAMES = {
    "sqlite": text("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"),
    "postgresql": text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"),
}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back."""

    folder: Path
    header: Header
    manifest: Manifest


async def restore(
    settings: Settings,
    folder: Path,
    by: Sequence[Identity],
    *,
    key: str | None = None,
    progress: Progress = silent,
) -> Restored:
    """Restore a backup.

    Args:
        settings: Of the hub that is to be; its database is empty or does not exist, and it does not run.
        folder: A backup, or a place of backups, of which the newest is restored.
        by: Private keys that open it.
        key: The public key of the hub that took the backup, had from elsewhere than the backup.
        progress: Told how far it is.

    Raises:
        NotEmpty: the database holds something, or there are other keys.
        WrongIdentity: the backup was not encrypted to any of `by`.
        OtherRelease: a later release took it.
        OtherHub: `RENKEI_AUDIT_ORIGIN` is not what it was.
        Damaged: the backup is not what was written; the database is left without its rows.
    """
    found = await asyncio.to_thread(place.find, folder)
    header = await asyncio.to_thread(check, found, key, progress)
    reading = await asyncio.to_thread(open_backup, found, by)
    _check_fits(reading.manifest, settings)
    begun = await asyncio.to_thread(_begun, reading.manifest.revision)
    await _prepare(settings, reading.manifest.revision, begun)
    await asyncio.to_thread(_restore_keys, reading, settings.keys_folder)
    await _restore_blobs(reading, settings, progress)
    database = await open_database(settings)
    try:
        async with database.write() as connection:
            for name in begun:
                await connection.execute(delete(table(name)), {})
            await _load(connection, reading, progress)
            await _prove(connection, reading, Verifier.parse(header.key))
    finally:
        await database.close()
    await asyncio.to_thread(upgrade, settings)
    await _record(settings, found, reading.manifest)
    return Restored(found, header, reading.manifest)


def _check_fits(manifest: Manifest, settings: Settings) -> None:
    """Refuse a backup that this release or these settings cannot go on from."""
    if manifest.revision not in revisions():
        raise OtherRelease(f"The backup is of migration {manifest.revision}, which this release lacks")
    if manifest.origin != settings.audit_origin:
        raise OtherHub(f"The audit log is {manifest.origin}, RENKEI_AUDIT_ORIGIN is {settings.audit_origin}")


def _begun(revision: str) -> dict[str, int]:
    """Return how many rows a migration itself leaves in which tables: an empty hub is not without any."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "begun.sqlite3"
        upgrade(Settings(database=str(path)), revision)
        with closing(sqlite3.connect(path)) as raw:
            names = [name for (name,) in raw.execute(_NAMES["sqlite"].text)]
            counts = {name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608
    return {name: count for name, count in counts.items() if count and name != _VERSION}


async def _prepare(settings: Settings, revision: str, begun: Mapping[str, int]) -> None:
    """Make the tables of a migration in an empty database."""
    database = await open_database(settings)
    try:
        names = {row[0] for row in await database.reader.fetch(_NAMES[database.dialect], {})}
        if names:
            await _check_empty(database, names, revision, begun)
    finally:
        await database.close()
    if not names:
        await asyncio.to_thread(upgrade, settings, revision)


async def _check_empty(database: Database, names: set[str], revision: str, begun: Mapping[str, int]) -> None:
    """Refuse a database that holds anything, or has tables of another migration."""
    stated = await database.reader.fetch(STATED, {}) if _VERSION in names else []
    if [row[0] for row in stated] != [revision]:
        raise NotEmpty(f"The database has tables, but not those of migration {revision}; give an empty database")
    for name in sorted(names - {_VERSION}):
        allowed = begun.get(name, 0)
        some: Select[tuple[Any]] = select(literal_column("1")).select_from(table(name))
        if len(await database.reader.fetch(some.limit(literal_column(str(allowed + 1))), {})) > allowed:
            raise NotEmpty(f"The database is not empty: {name} has rows; nothing was changed")


def _restore_keys(reading: Reading, folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = list(reading.rows(KEY_ROWS))
    for name, content in files:
        path = _inside(folder, name)
        if path.exists() and path.read_bytes() != content:
            raise NotEmpty(f"{path} is another key than the backup's; move it away")
    for name, content in files:
        path = _inside(folder, name)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.write(path, content)


def _inside(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise Damaged(f"The backup names a key file outside the keys folder: {name}")
    return folder / path


async def _restore_blobs(reading: Reading, settings: Settings, progress: Progress) -> None:
    store = open_blobs(settings)
    rows = reading.rows(BLOB_ROWS)
    done = 0
    while row := await asyncio.to_thread(next, rows, None):
        custodian, digest, _, file = row
        incoming = store.incoming()
        try:
            await asyncio.to_thread(blobs.read, reading.folder.parent / file, digest, reading.by, incoming)
            await store.keep(custodian, incoming)
        except BaseException:
            incoming.discard()
            raise
        done += 1
        progress(BLOBS, done)


def _target(rows: TableRows) -> Table:
    """Return a table as it was when the backup was taken: the migration's, which may be older than this release's."""
    return Table(rows.name, MetaData(), *[Column(name, BigInteger) for name in rows.columns])


async def _load(connection: WriteConnection, reading: Reading, progress: Progress) -> None:
    """Insert all rows and count them."""
    for rows in reading.manifest.tables:
        if rows.name in (BLOB_ROWS, KEY_ROWS):
            continue
        target, batches, done = _target(rows), reading.batches(rows), 0
        while batch := await asyncio.to_thread(next, batches, None):
            await connection.insert(target, batch)
            done += len(batch)
            progress(rows.name, done)
        counted = await connection.fetch(select(func.count()).select_from(target), {})
        if counted[0][0] != rows.rows:
            raise Damaged(f"{rows.name} has {counted[0][0]} rows after loading, the backup has {rows.rows}")


async def _prove(connection: WriteConnection, reading: Reading, verifier: Verifier) -> None:
    """Prove the audit log as it now stands in the database."""
    loop = asyncio.get_running_loop()
    known = {one.name: one for one in tables()}

    def rows(name: str) -> Iterator[tuple[Any, ...]]:
        for page in blocking(pages(connection, known[name]), loop):
            yield from map(tuple, page)

    await asyncio.to_thread(audit_tree.prove, rows, reading.manifest.audit, verifier)


async def _record(settings: Settings, folder: Path, manifest: Manifest) -> None:
    """Record the restore in the log that was restored."""
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        words = f"Restored from the backup of {folder.name}, taken on {manifest.engine}, to {hub.database.dialect}"
        await record(hub, RESTORE, folder, words)
        await hub.leader.integrate_all()
    finally:
        await hub.close()
