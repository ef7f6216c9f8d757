"""How each source is doing, and how far its index is: kept in the database, so that every process and page knows it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Text, bindparam, select, update

from app.db import DatabaseConnection
from app.imaging.sources.tables import imaging_source_state
from app.imaging.sources.words import read_noted, sentence

if TYPE_CHECKING:
    from app.hub import Hub

_TABLE = imaging_source_state.c
_KEY = _TABLE.source == bindparam("k_source", type_=BigInteger)
_WELL = (
    update(imaging_source_state)
    .where(_KEY)
    .values(last_success=bindparam("n_now", type_=BigInteger), failures=0, open_until=0)
)
_ILL = (
    update(imaging_source_state)
    .where(_KEY)
    .values(
        last_failure=bindparam("n_now", type_=BigInteger),
        failures=bindparam("n_failures", type_=BigInteger),
        open_until=bindparam("n_open_until", type_=BigInteger),
        failure=bindparam("n_failure", type_=Text),
    )
)
_ADVANCE = (
    update(imaging_source_state)
    .where(_KEY)
    .values(
        position=bindparam("n_position", type_=Text),
        indexed=bindparam("n_indexed", type_=BigInteger),
        index_done=bindparam("n_done", type_=BigInteger),
    )
)
_ALL = select(*imaging_source_state.columns)


@dataclass(frozen=True, slots=True)
class State:
    """How a source is doing; instants in microseconds since 1970 UTC, 0 for never."""

    source: int
    last_success: int
    last_failure: int
    failures: int
    """In a row."""
    open_until: int
    """Until when nobody asks it."""
    failure: str
    """What the last failure was, as `SourceFailed.noted` has it."""
    position: str
    """Where an index that was interrupted goes on."""
    indexed: int
    """Studies that index has seen."""
    index_done: int
    """When an index last came to its end."""

    def word(self, now: int) -> str:
        """Return how it is doing, in a word: `new`, `well`, `failing` or `broken`."""
        if self.open_until > now:
            return "broken"
        if self.failures:
            return "failing"
        return "well" if self.last_success else "new"

    def sentence(self, name: str) -> str:
        """Return in English what the last failure of the source, of this name, was."""
        said = read_noted(self.failure)
        return self.failure if said is None else sentence(said.why, name, said.detail)


async def note(hub: "Hub", source: int, *, failure: str, failures: int, wait_seconds: float) -> None:
    """Note that a source answered, or how it failed.

    Args:
        hub: The running hub.
        source: The source's key.
        failure: What happened, as `SourceFailed.noted` has it; empty when all is well.
        failures: In a row.
        wait_seconds: For how long nobody asks it.
    """
    now = hub.clock()
    async with hub.database.write() as connection:
        if not failure:
            await connection.execute(_WELL, {"k_source": source, "n_now": now})
            return
        until = now + int(wait_seconds * 1e6) if wait_seconds else 0
        values = {"n_failures": failures, "n_open_until": until, "n_failure": failure[:500]}
        await connection.execute(_ILL, {"k_source": source, "n_now": now, **values})


async def advance(hub: "Hub", source: int, *, position: str, indexed: int, done: int) -> None:
    """Note how far the index of a source is; `done` is when it last came to its end."""
    async with hub.database.write() as connection:
        values = {"k_source": source, "n_position": position, "n_indexed": indexed, "n_done": done}
        await connection.execute(_ADVANCE, values)


async def states(connection: DatabaseConnection) -> dict[int, State]:
    """Return how every source is doing, by its key."""
    return {int(row[0]): State(*row) for row in await connection.fetch(_ALL, {})}


async def warnings(hub: "Hub") -> list[str]:
    """Return a note for each source that fails again and again, for `/health`."""
    now, known = hub.clock(), await states(hub.database.reader)
    broken = [one.source.name for one in await hub.sources.all() if known[one.source.key].word(now) == "broken"]
    return [sentence("not_asked", name) for name in broken]
