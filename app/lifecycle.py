"""Starts and stops the hub of one process."""

import asyncio
import gc
import logging
from contextlib import suppress
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.access import epoch
from app.access.identify import Callers
from app.access.limits import Limits
from app.access.rights import leave
from app.audit import retain, witnessing
from app.audit.atna import forward
from app.audit.copies import Copying, places
from app.audit.cosign import Cosigning, witnesses
from app.audit.desk import watch
from app.audit.inbound import syslog
from app.audit.keyfile import create_master, create_signer, read_master, read_signer, settled_signer
from app.audit.keys import Keys
from app.audit.leader import Leader
from app.audit.log import AuditLog
from app.audit.note import Signer
from app.audit.second import take_up
from app.audit.second.take_up import TakingUp
from app.audit.second.write import SecondLog
from app.audit.stamping import Stamping
from app.blobs import daily, open_blobs
from app.clock import Clock, RowNumbers, now
from app.db import Database, DatabaseUnavailable, open_database
from app.db.version import WrongVersion, check_version
from app.exchange.mllp import listener
from app.hub import Hub
from app.identity import rebuild
from app.imaging import packing
from app.imaging.dimse import listener as dimse
from app.imaging.episodes import Episodes
from app.imaging.media import queue as discs
from app.imaging.reports import backfill
from app.imaging.sources import index as source_indexes
from app.imaging.sources.source import Sources
from app.imaging.undescribed import describe
from app.observe import trusted_time
from app.packages.loaded import KnownPackages
from app.records import forget, superseded
from app.records.bulk_import import queue as imports
from app.records.cursor import Cursors
from app.records.export import run as exports
from app.records.later import run as later
from app.records.reindex import is_due, is_folded_otherwise, note_version
from app.records.search_parameters import index as search_parameters
from app.records.search_parameters.known import KnownParameters
from app.records.signatures import pending
from app.records.signatures.trust import KnownTrust
from app.settings import Settings
from dicom.decoding import DecodingPool

logger = logging.getLogger(__name__)

_MINUTE = 60_000_000

DECODING_PROCESSES = 2
"""Processes that decode images, of each process of the hub; they start with the first image."""

DECODING_MEMORY_BYTES = 4_000_000_000
"""Address space of each; the codecs alone map 600 MB, a mammogram in colour needs some copies of its 300 MB."""

DECODING_SECONDS = 30.0
"""Of one frame."""
NUMBERING = 0x7072_6F63
"""The key of the lock under which a process is numbered: the first ones may start at once."""


def audit_keys(settings: Settings) -> tuple[Keys, Signer]:
    """Return the audit keys, made at the first start."""
    folder = settings.keys_folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    master, signer = folder / "audit-master", folder / "audit-signer"
    # Two processes may start for the first time at once: the files are made once, and read by both.
    with suppress(FileExistsError):
        if not master.exists():
            create_master(master)
    with suppress(FileExistsError):
        if not signer.exists():
            create_signer(signer, settings.audit_origin)
    return read_master(master), read_signer(signer, settings.audit_origin)


def signer_path(settings: Settings) -> Path:
    """Return the file of the key that signs checkpoints."""
    return settings.keys_folder / "audit-signer"


def _cursor_key(folder: Path) -> bytes:
    """Return the key of page cursors, which every process derives from the first master key, whatever came since."""
    secret = (folder / "audit-master").read_bytes().splitlines(keepends=True)[0]
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"renkei/cursor").derive(secret)


async def _process_number(database: Database) -> int:
    async with database.write() as connection:
        await connection.lock(NUMBERING)
        return await epoch.grow(connection, epoch.PROCESS)


async def open_hub(settings: Settings, clock: Clock = now) -> Hub:
    """Open the database and return a hub that is ready but whose tasks do not run yet.

    Raises:
        DatabaseUnavailable: the database does not answer.
        WrongVersion: its tables are not those of this release.
    """
    database = await open_database(settings)
    try:
        await check_version(database)
    except (DatabaseUnavailable, WrongVersion):
        await database.close()
        raise
    await note_version(database)
    await rebuild.note_version(database)
    await backfill.note_mapping(database)
    keys, signer = audit_keys(settings)
    new_row = RowNumbers(await _process_number(database), clock)
    wait, folder = settings.audit_wait_seconds, settings.break_glass_log
    second = None if folder is None else SecondLog(folder, wait_seconds=wait)
    audit = AuditLog(database, keys, new_row, wait_seconds=wait, second=second)
    decoding = DecodingPool(DECODING_PROCESSES, max_memory_bytes=DECODING_MEMORY_BYTES, max_seconds=DECODING_SECONDS)
    hub = Hub(
        settings=settings,
        database=database,
        clock=clock,
        new_row=new_row,
        callers=Callers(
            *(database, clock, settings.session_minutes * _MINUTE), two_required=settings.second_factor == "required"
        ),
        limits=Limits(settings),
        audit=audit,
        leader=Leader(
            *(database, signer, settings.audit_origin, clock),
            settled=partial(settled_signer, signer_path(settings), settings.audit_origin),
            renew=audit.renew,
        ),
        cosigning=Cosigning(database, witnesses(settings.audit_witnesses), audit.append, clock),
        copying=Copying(database, places(settings.audit_copies), settings.audit_copy_seconds, clock),
        stamping=Stamping(
            *(database, settings.audit_timestamp, settings.audit_timestamp_roots),
            *(settings.audit_timestamp_seconds, clock),
        ),
        cursors=Cursors(_cursor_key(settings.keys_folder)),
        blobs=open_blobs(settings),
        decoding=decoding,
        episodes=Episodes(clock, audit.append),
        packages=KnownPackages(database),
        search_parameters=KnownParameters(database),
        trust=KnownTrust(settings.trust_folder),
        sources=Sources(database),
        closing=[partial(asyncio.to_thread, decoding.close)],
    )
    if folder is not None:
        hub.taking_up = TakingUp(hub, folder, take_up.WAITS * wait)
    return hub


async def warn_of_folding(hub: Hub) -> None:
    """Say in the log when stored rows fold strings otherwise than queries do: what differs is not found."""
    if await is_folded_otherwise(hub.database, hub.settings):
        logger.warning("Strings are folded otherwise than when they were indexed; run: renkei reindex")


async def warn_of_reindexing(hub: Hub) -> None:
    """Say in the log when an older release has made index rows: what this one reads otherwise is not found by them.

    The same of the keys of the patient index: nobody is matched with a Patient that has none.
    """
    if await is_due(hub.database):
        logger.warning("An older release has indexed what is stored; run: renkei reindex")
    if await rebuild.is_due(hub.database):
        logger.warning("Patients are not in the patient index; run: renkei identity rebuild")
    if await backfill.is_due(hub.database):
        logger.warning("Of reports among the images that are stored not all is filed; run: renkei imaging-reports")


def collect_seldom() -> None:
    """Let the process look for unused cycles as suits a hub that it runs alone, until it ends."""
    # Large bundles make many objects that live shortly; what was imported lives for ever.
    gc.set_threshold(50_000, 20, 100)
    gc.freeze()


def start_tasks(hub: Hub) -> None:
    """Start what runs beside the requests."""
    hub.audit.start()
    hub.leader.start(hub.settings.checkpoint_seconds)
    hub.closing.append(witnessing.start(hub))
    hub.closing.append(take_up.start(hub))
    hub.closing.append(retain.start(hub))
    hub.closing.append(trusted_time.start(hub))
    hub.closing.append(daily.start(hub))
    hub.closing.append(exports.start(hub))
    hub.closing.append(imports.start(hub))
    hub.closing.append(discs.start(hub))
    hub.closing.append(search_parameters.start(hub))
    hub.closing.append(pending.start(hub))
    hub.closing.append(packing.start(hub))
    hub.closing.append(later.start(hub))
    hub.closing.append(superseded.start(hub))
    hub.closing.append(forget.start(hub.database))
    hub.closing.append(leave.start(hub))
    hub.closing.append(forward.start(hub))
    hub.closing.append(syslog.start(hub))
    hub.closing.append(listener.start(hub))
    hub.closing.append(hub.held.start())
    hub.closing.append(source_indexes.start(hub))
    hub.closing.append(describe.start(hub))
    hub.closing.append(dimse.start(hub))
    hub.closing.append(watch.start(hub))
