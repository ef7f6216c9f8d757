"""A queue of jobs as a table: who asked for what, how far it is, and until when somebody works on it.

Instants are whole microseconds since 1970 UTC. Whoever takes a job holds it until `until`, and says so again while at
work; each step is written only by who still holds it, so that no job is worked on twice.
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, SmallInteger, Table, Text, bindparam, delete, func, insert, select, update

from app.db import Database, DatabaseConnection, WriteConnection
from app.records.request import FhirRequest
from fhir.errors import FhirError, NotFound

WAITING, DONE, FAILED = 0, 1, 2

LASTS = 60_000_000
"""Microseconds after which a job that nobody said to be at work on is taken by another."""

_HOUR = 3_600_000_000
_ID, _CLIENT = bindparam("id", type_=Text), bindparam("client", type_=Text)
_NOW = bindparam("now", type_=BigInteger)
_KEY, _KEPT = bindparam("k_id", type_=Text), bindparam("k_until", type_=BigInteger)


class TooMany(FhirError):
    """The client has as many jobs as it may have."""

    status = 429
    code = "throttled"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is kept; `request`, `address` and `position` are what its kind makes of them."""

    id: str
    client: str
    purpose: str
    request: str
    address: str
    begun: int
    ends: int
    state: int
    step: int
    steps: int
    position: str


@dataclass(frozen=True, slots=True)
class Step:
    """How far a job is."""

    step: int
    steps: int
    position: str
    state: int = WAITING


def new_id() -> str:
    """Return the id of a new job, which nobody can guess."""
    return secrets.token_hex(16)


class Queue:
    """The statements of one queue.

    Args:
        table: Made by `queue_table`.
        most_waiting: Jobs of one client that wait at once.
        most_kept: Jobs of one client that there are at once, those that are done too.
        word: What a job is called, in failures.
    """

    def __init__(self, table: Table, *, most_waiting: int, most_kept: int, word: str) -> None:
        self._most_waiting, self._most_kept, self._word = most_waiting, most_kept, word
        kept = table.c
        columns = (
            *(kept.id, kept.client, kept.purpose, kept.request, kept.address, kept.begun, kept.ends, kept.state),
            *(kept.step, kept.steps, kept.position),
        )
        there = kept.ends > _NOW
        self._of_client = select(*columns).where(kept.id == _ID, kept.client == _CLIENT, there)
        waiting = func.sum((kept.state == WAITING).cast(Integer))
        self._count = select(func.count(), func.coalesce(waiting, 0)).where(kept.client == _CLIENT, there)
        self._add = insert(table).values({column.name: bindparam(f"n_{column.name}") for column in table.columns})
        self._next = (
            select(*columns)
            .where(kept.state == WAITING, kept.until < _NOW, there)
            .order_by(kept.begun, kept.id)
            .limit(1)
        )
        self._take = (
            update(table)
            .where(kept.id == _KEY, kept.state == WAITING, kept.until < bindparam("k_now", type_=BigInteger))
            .values(until=bindparam("n_until", type_=BigInteger))
        )
        mine = update(table).where(kept.id == _KEY, kept.state == WAITING, kept.until == _KEPT)
        self._hold = mine.values(until=bindparam("n_until", type_=BigInteger))
        self._advance = mine.values(
            until=bindparam("n_until", type_=BigInteger),
            step=bindparam("n_step", type_=Integer),
            steps=bindparam("n_steps", type_=Integer),
            position=bindparam("n_position", type_=Text),
            state=bindparam("n_state", type_=SmallInteger),
        )
        self._expired = select(*columns).where(kept.ends <= _NOW).limit(100)
        self._remove = delete(table).where(kept.id == _KEY)

    async def check_room(self, connection: DatabaseConnection, client: str, now: int) -> None:
        """Refuse a client that has too many jobs.

        Raises:
            TooMany: it has.
        """
        ((kept, waiting),) = await connection.fetch(self._count, {"client": client, "now": now})
        if waiting >= self._most_waiting:
            text = f"{self._most_waiting} {self._word}s of this client are under way; please wait for one to end"
            raise TooMany(text)
        if kept >= self._most_kept:
            raise TooMany(f"This client has {self._most_kept} {self._word}s; please end those that are not needed")

    async def add(
        self,
        request: FhirRequest,
        asked: str,
        address: str,
        *,
        id_: str,
        state: int = WAITING,
        also: Callable[[WriteConnection], Awaitable[None]] | None = None,
    ) -> None:
        """Put a job in the queue.

        Args:
            request: Who asks; the job is that client's alone.
            asked: What is to be done, as its kind keeps it.
            address: What was asked, as its caller wrote it.
            id_: By `new_id`.
            state: `DONE` for one on which there is nothing to work.
            also: Writes more in the same transaction.

        Raises:
            TooMany: the client has too many jobs.
        """
        hub, caller = request.hub, request.caller
        row = {
            "id": id_,
            "client": caller.client,
            "purpose": caller.purpose,
            "request": asked,
            "address": address,
            "begun": request.now,
            "ends": request.now + hub.settings.export_hours * _HOUR,
            "state": state,
            "until": 0,
            "step": 0,
            "steps": 0,
            "position": "",
        }
        async with hub.database.write() as connection:
            await self.check_room(connection, caller.client, request.now)
            await connection.execute(self._add, {f"n_{name}": value for name, value in row.items()})
            if also is not None:
                await also(connection)

    async def of_caller(self, request: FhirRequest) -> Job:
        """Return the job that the request names.

        Raises:
            NotFound: there is none of this client, or it has expired.
        """
        values = {"id": request.id, "client": request.caller.client, "now": request.hub.clock()}
        rows = await request.hub.database.reader.fetch(self._of_client, values)
        if not rows or request.caller.account:
            raise NotFound(f"There is no such {self._word}, or it has expired")
        return Job(*rows[0])

    async def take(self, database: Database, now: int) -> Job | None:
        """Take the oldest job that waits, until `now + LASTS`; None when there is none."""
        while rows := await database.reader.fetch(self._next, {"now": now}):
            job = Job(*rows[0])
            async with database.write() as connection:
                if await connection.execute(self._take, {"k_id": job.id, "k_now": now, "n_until": now + LASTS}) == 1:
                    return job
        return None

    async def hold(self, connection: WriteConnection, job: Job, until: int, longer: int) -> bool:
        """Say that somebody is still at work; return whether the job was still held until `until`."""
        return await connection.execute(self._hold, {"k_id": job.id, "k_until": until, "n_until": longer}) == 1

    async def advance(self, connection: WriteConnection, job: Job, until: int, longer: int, step: Step) -> bool:
        """Note how far a job is, and hold it longer; return whether it was still held until `until`."""
        values = {"k_id": job.id, "k_until": until, "n_until": longer, "n_step": step.step, "n_steps": step.steps}
        values |= {"n_position": step.position, "n_state": step.state}
        return await connection.execute(self._advance, values) == 1

    async def expired(self, connection: DatabaseConnection, now: int) -> list[Job]:
        """Return some of the jobs whose time has come."""
        return [Job(*row) for row in await connection.fetch(self._expired, {"now": now})]

    async def remove(self, connection: WriteConnection, job: Job) -> None:
        """Remove a job's row."""
        await connection.execute(self._remove, {"k_id": job.id})
