"""What was removed for good leaves the memory of every process as well.

No answer holds it any more, for the database is asked each time what exists. Still it must not lie about in memory:
the process that removed it forgets at once, every other one when it sees that the counter of removals has grown.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.access import epoch
from app.background import started
from app.db import Database, DatabaseUnavailable, WriteConnection

EVERY_SECONDS = 10.0
"""How often a process looks whether another has removed something."""

EXPUNGED = "expunged"
"""The counter that grows with each removal."""

logger = logging.getLogger(__name__)


async def count_removal(connection: WriteConnection) -> None:
    """Let the other processes know, inside the transaction that removes something."""
    await epoch.grow(connection, EXPUNGED)


def forget(database: Database) -> None:
    """Let go of what this process keeps of the versions it has read."""
    if database.reader.versions is not None:
        database.reader.versions.forget()


class Forgetting:
    """Sees removals, its own process's too: what was read just before one may have been kept just after it."""

    def __init__(self, database: Database, seen: int) -> None:
        self._database = database
        self._seen = seen

    async def look(self) -> None:
        """Forget if something was removed since the last look."""
        now = await epoch.value(self._database.reader, EXPUNGED)
        if now != self._seen:
            forget(self._database)
            self._seen = now


def start(database: Database, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(database, every_seconds), "forgetting")


async def _run(database: Database, every_seconds: float) -> None:
    # A process that has just begun has nothing to forget, but to look once more costs nothing.
    forgetting = Forgetting(database, 0)
    while True:
        try:
            await forgetting.look()
        except DatabaseUnavailable as error:
            logger.warning("Whether something was removed is not known yet: %s", error)
        await asyncio.sleep(every_seconds)
