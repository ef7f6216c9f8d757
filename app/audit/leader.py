"""Puts staged records in the tree and signs checkpoints; any process may do it, one at a time does.

The tree's row is locked for the transaction and its size compared, so that no two processes extend one tree.
"""

import asyncio
import hashlib
import logging
from base64 import urlsafe_b64decode
from functools import lru_cache

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from app.audit.checkpoint import Checkpoint, sign
from app.audit.note import Signer
from app.audit.tables import KINDS, audit_checkpoint, audit_index, audit_leaf, audit_record, audit_stage, audit_tree
from app.audit.tree import Frontier
from app.clock import Clock
from app.db import Database, DatabaseUnavailable, WriteConnection

MOST_AT_ONCE = 1_000
"""Records that one transaction puts in the tree: more would make answers wait for the writer."""

BEGINNING = 0x7472_6565
"""The key of the lock under which the tree begins."""

MEMBERS = {"patient": "p", "user": "u", "organisation": "g", "client": "c", "custodian": "h"}
"""The members of a record that are indexed, by kind."""

_INDEXED = tuple((KINDS[kind], member) for kind, member in MEMBERS.items())

_LOCK = 0x6175646974
"""The key under which processes take turns."""

logger = logging.getLogger(__name__)

_TREE = select(audit_tree.c.size, audit_tree.c.frontier).where(audit_tree.c.id == 1).with_for_update()
_WAITING = select(audit_stage.c.row).limit(1)
_STAGED = (
    select(audit_stage.c.row, audit_record.c.record)
    .join(audit_record, audit_record.c.row == audit_stage.c.row)
    .order_by(audit_stage.c.row)
    .limit(MOST_AT_ONCE)
)
_UNSTAGE = delete(audit_stage).where(audit_stage.c.row == bindparam("k_row"))
_GROW = (
    update(audit_tree)
    .where(audit_tree.c.id == 1, audit_tree.c.size == bindparam("k_size"))
    .values(size=bindparam("n_size"), frontier=bindparam("n_frontier"))
)
_BEGIN = insert(audit_tree).values(id=1, size=0, frontier=bindparam("n_frontier"))


@lru_cache(maxsize=65_536)
def _key(text: str) -> int:
    """Return the first 64 bits of an HMAC in base64url, signed; the same few people ask again and again."""
    return int.from_bytes(urlsafe_b64decode(text[:12])[:8], "big", signed=True)


def _index(row: int, record: bytes) -> list[tuple[int, int, int]]:
    """Return the index rows of a record: the first 64 bits of each HMAC in it."""
    members = orjson.loads(record)
    return [(number, _key(members[member]), row) for number, member in _INDEXED if member in members]


class Leader:
    """Extends the tree.

    Args:
        database: The hub's database.
        signer: Signs checkpoints.
        origin: The log's name.
        clock: The present in microseconds.
    """

    def __init__(self, database: Database, signer: Signer, origin: str, clock: Clock) -> None:
        self._database = database
        self._signer = signer
        self._origin = origin
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self, every_seconds: float) -> None:
        """Integrate staged records again and again, `every_seconds`."""
        self._task = asyncio.create_task(self._run(every_seconds), name="audit leader")

    async def stop(self) -> None:
        """End the task after a last integration."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._try()

    async def _run(self, every_seconds: float) -> None:
        while True:
            await self._try()
            await asyncio.sleep(every_seconds)

    async def _try(self) -> None:
        """Integrate; what cannot be done now is done later, so no failure ends the task."""
        try:
            await self.integrate_all()
        except DatabaseUnavailable as error:
            logger.warning("The audit tree waits for the database: %s", error)
        except Exception:
            logger.exception("The audit tree cannot be extended")

    async def integrate_all(self) -> int:
        """Put every staged record in the tree and return how many there were."""
        total = 0
        while await self._database.reader.fetch(_WAITING, {}):
            async with self._database.write() as connection:
                done = await self.integrate(connection)
            total += done
            if done < MOST_AT_ONCE:
                break
        return total

    async def integrate(self, connection: WriteConnection) -> int:
        """Put at most `MOST_AT_ONCE` staged records in the tree, sign a checkpoint, return how many they were."""
        # The first of all has no row of the tree to wait for yet.
        await connection.lock(_LOCK)
        size, frontier = await self._tree(connection)
        staged = [(row, bytes(record)) for row, record in await connection.fetch(_STAGED, {})]
        if not staged:
            return 0
        hashes = [hashlib.sha256(b"\x00" + record).digest() for _, record in staged]
        for leaf in hashes:
            frontier.append(leaf)
        rows = [row for row, _ in staged]
        await connection.insert(
            audit_leaf, [(size + n, row, leaf) for n, (row, leaf) in enumerate(zip(rows, hashes, strict=True))]
        )
        await connection.insert(audit_index, [key for row, record in staged for key in _index(row, record)])
        await connection.execute_many(_UNSTAGE, [{"k_row": row} for row in rows])
        grown = {"k_size": size, "n_size": frontier.size, "n_frontier": frontier.to_bytes()}
        if await connection.execute(_GROW, grown) != 1:
            raise DatabaseUnavailable("Another process extended the audit tree at the same time")
        note = sign(Checkpoint(self._origin, frontier.size, frontier.root()), self._signer)
        await connection.insert(audit_checkpoint, [(frontier.size, self._clock(), note)])
        return len(staged)

    async def _tree(self, connection: WriteConnection) -> tuple[int, Frontier]:
        rows = await connection.fetch(_TREE, {})
        if not rows:
            # Two processes may begin the tree at once: the second one waits, and looks again.
            await connection.lock(BEGINNING)
            rows = await connection.fetch(_TREE, {})
        if rows:
            return int(rows[0][0]), Frontier.from_bytes(bytes(rows[0][1]))
        await connection.execute(_BEGIN, {"n_frontier": Frontier().to_bytes()})
        return 0, Frontier()
