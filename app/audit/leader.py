"""Puts staged records in the tree and signs checkpoints; any process may do it, one at a time does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import bindparam, delete, select

from app.audit import succession
from app.audit.checkpoint import Checkpoint, sign
from app.audit.grow import frontier, grow
from app.audit.note import Signer
from app.audit.tables import audit_checkpoint, audit_record, audit_stage, audit_succession
from app.clock import Clock
from app.db import Database, DatabaseConnection, DatabaseUnavailable, WriteConnection

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
_SUCCESSIONS = select(audit_succession.c.note).order_by(audit_succession.c.number)
_LAST_SUCCESSION = select(audit_succession.c.note).order_by(audit_succession.c.number.desc()).limit(1)
_UNSTAGE = delete(audit_stage).where(audit_stage.c.row == bindparam("k_row"))


class Leader:
    """Extends the tree.

    Args:
        database: The hub's database.
        signer: Signs checkpoints.
        origin: The log's name.
        clock: The present in microseconds.
        settled: Returns the signer whose public key the database names, when it is another one by now.
        renew: Called before each turn: what another process has changed in the keys is read again.
    """

    def __init__(
        self,
        database: Database,
        signer: Signer,
        origin: str,
        clock: Clock,
        *,
        settled: Callable[[str], Signer] | None = None,
        renew: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._settled = settled
        self._renew = renew
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
            if self._renew is not None:
                await self._renew()
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
        signer = await self._present(connection)
        await grow(connection, edge, staged)
        await connection.execute_many(_UNSTAGE, [{"k_row": row} for row, _ in staged])
        note = sign(Checkpoint(self._origin, edge.size, edge.root()), signer)
        await connection.insert(audit_checkpoint, [(edge.size, self._clock(), note)])
        return len(staged)

    async def _present(self, connection: WriteConnection) -> Signer:
        """Return the signer that the database names: a command may have exchanged it a moment ago."""
        named = succession.last([str(note) for (note,) in await connection.fetch(_LAST_SUCCESSION, {})])
        if named and named != self._signer.verifier.vkey and self._settled is not None:
            self._signer = self._settled(named)
        return self._signer

    async def exchange(self, prepare: Callable[[], Signer], *, lost: bool = False) -> Signer:
        """Let another key sign from now on, named by the present one, and return it.

        Args:
            prepare: Returns the other key, which is durable by then; `settled` finds it.
            lost: The present key is gone: nobody names the other one.
        """
        async with self._database.write() as connection:
            await connection.lock(_LOCK)
            # Nobody extends the tree while its row is held: the old key has signed all that is in it, the new signs on.
            edge = await frontier(connection)
            old, new = None if lost else await self._present(connection), prepare()
            number = len(await connection.fetch(_SUCCESSIONS, {}))
            note = succession.succeed(self._origin, edge.size, old, new)
            await connection.insert(audit_succession, [(number, note)])
        self._signer = new if self._settled is None else self._settled(new.verifier.vkey)
        return self._signer


async def successions(connection: DatabaseConnection) -> list[str]:
    """Return the notes by which each key named the next, the oldest first."""
    return [str(note) for (note,) in await connection.fetch(_SUCCESSIONS, {})]
