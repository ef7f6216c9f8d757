"""Takes the log out of the database as an export that is verified without it."""

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import BigInteger, bindparam, select

from app.audit.export import Writer
from app.audit.leader import successions
from app.audit.note import Verifier
from app.audit.retain import expired
from app.audit.tables import audit_checkpoint, audit_cosignature, audit_leaf, audit_record, audit_timestamp
from app.db import Database

CHUNK = 2_000

_LEAVES = (
    select(audit_leaf.c.leaf, audit_leaf.c.hash, audit_record.c.record)
    .join(audit_record, audit_record.c.row == audit_leaf.c.row, isouter=True)
    .where(audit_leaf.c.leaf >= bindparam("first", type_=BigInteger))
    .order_by(audit_leaf.c.leaf)
    .limit(CHUNK)
)
_CHECKPOINTS = select(audit_checkpoint.c.size, audit_checkpoint.c.note).order_by(audit_checkpoint.c.size)
_TIMESTAMPS = select(audit_timestamp.c.size, audit_timestamp.c.token).order_by(audit_timestamp.c.size)
_COSIGNATURES = select(audit_cosignature.c.size, audit_cosignature.c.line).order_by(audit_cosignature.c.witness)


async def export(
    database: Database, folder: Path, verifier: Verifier, progress: Callable[[int], None] | None = None
) -> int:
    """Write the log as of one instant to `folder`, which must not exist, and return how many records it has.

    A record that is gone from the database is missing in the export too: its proof will name it.
    """
    first = 0
    async with database.snapshot() as connection:
        with Writer(folder, verifier) as writer:
            while rows := await connection.fetch(_LEAVES, {"first": first}):
                for leaf, leaf_hash, record in rows:
                    writer.hash(bytes(leaf_hash))
                    if record is not None:
                        writer.record(bytes(record))
                    first = leaf + 1
                if progress:
                    progress(first)
            lines: dict[int, str] = defaultdict(str)
            for size, line in await connection.fetch(_COSIGNATURES, {}):
                lines[size] += line
            for size, note in await connection.fetch(_CHECKPOINTS, {}):
                writer.checkpoint(note + lines[size])
            for note in await successions(connection):
                writer.succession(note)
            for size, token in await connection.fetch(_TIMESTAMPS, {}):
                writer.timestamp(int(size), bytes(token))
            gone, _ = await expired(connection)
            if gone:
                writer.expired(gone)
    return first
