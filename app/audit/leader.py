"""Puts staged records in the tree and signs checkpoints; any process may do it, one at a time does."""

import asyncio
import logging

from sqlalchemy import bindparam, delete, select

from app.audit.checkpoint import Checkpoint, sign
from app.audit.grow import frontier, grow
from app.audit.note import Signer
from app.audit.tables import audit_checkpoint, audit_record, audit_stage
from app.clock import Clock
from app.db import Database, DatabaseUnavailable, WriteConnection

MOST_AT_ONCE = 1_000
"""Records that one transaction puts in the tree: more would make answers wait for the writer."""

_LOCK = 0x6175646974
"""The key under which processes take turns."""

logger = logging.getLogger(__name__)

_WAITING = select(audit_stage.c.row).limit(1)
_STAGED = (
    select(audit_stage.c.row, audit_record.c.record)
    .join(audit_record, audit_record.c.row == audit_stage.c.row)
    .order_by(audit_stage.c.row)
    .limit(MOST_AT_ONCE)
)
_UNSTAGE = delete(audit_stage).where(audit_stage.c.row == bindparam("k_row"))


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
        # The tree's row is waited for before the staged records are read: who held it may have taken them.
        edge = await frontier(connection)
        staged = [(row, bytes(record)) for row, record in await connection.fetch(_STAGED, {})]
        if not staged:
            return 0
        await grow(connection, edge, staged)
        await connection.execute_many(_UNSTAGE, [{"k_row": row} for row, _ in staged])
        note = sign(Checkpoint(self._origin, edge.size, edge.root()), self._signer)
        await connection.insert(audit_checkpoint, [(edge.size, self._clock(), note)])
        return len(staged)
