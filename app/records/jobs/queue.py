"""A queue of jobs as a table: who asked for what, how far it is, and until when somebody works on it.

Instants are whole microseconds since 1970 UTC. Whoever takes a job holds it until `until`, and says so again while at
work; each step is written only by who still holds it, so that no job is worked on twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from sqlalchemy import Table

from app.db import Database, DatabaseConnection, WriteConnection
from app.records.jobs.job import Job, Step, scope_of
from app.records.jobs.statements import Statements
from app.records.request import FhirRequest
from fhir.errors import FhirError, NotFound

LASTS = 60_000_000
"""Microseconds after which a job that nobody said to be at work on is taken by another."""


class TooMany(FhirError):
    """The client has as many jobs as it may have."""

    status = 429
    code = "throttled"


class Queue:
    """One queue.

    Args:
        table: Made by `queue_table`.
        most_waiting: Jobs of one client that wait at once.
        most_kept: Jobs of one client that there are at once, those that are done too.
        word: What a job is called, in failures.
        shared: Whether both bounds are those of all clients together.
    """

    def __init__(self, table: Table, *, most_waiting: int, most_kept: int, word: str, shared: bool = False) -> None:
        self._most_waiting, self._most_kept, self._word = most_waiting, most_kept, word
        self._whose = "" if shared else " of this client"
        self._statements = Statements(table, shared=shared)

    async def check_room(self, connection: DatabaseConnection, client: str, now: int) -> None:
        """Refuse a client that has too many jobs.

        Raises:
            TooMany: it has.
        """
        ((kept, waiting),) = await connection.fetch(self._statements.count, {"client": client, "now": now})
        if waiting >= self._most_waiting:
            text = f"{self._most_waiting} {self._word}s{self._whose} are under way; please wait for one to end"
            raise TooMany(text)
        if kept >= self._most_kept:
            text = f"There are {self._most_kept} {self._word}s{self._whose}; please end those that are not needed"
            raise TooMany(text)

    async def add(
        self, database: Database, job: Job, *, also: Callable[[WriteConnection], Awaitable[None]] | None = None
    ) -> None:
        """Put a job in the queue.

        Args:
            database: Where the queue is.
            job: The job. One of the command line, which has no client, always finds room.
            also: Writes more in the same transaction.

        Raises:
            TooMany: the client has too many jobs.
        """
        async with database.write() as connection:
            if job.client:
                await self.check_room(connection, job.client, job.begun)
            row = {**asdict(job), "until": 0}
            await connection.execute(self._statements.add, {f"n_{name}": value for name, value in row.items()})
            if also is not None:
                await also(connection)

    async def find(
        self, connection: DatabaseConnection, id_: str, client: str, now: int, scope: str = ""
    ) -> Job | None:
        """Return a job of a client that a token with these scopes began; None if there is none, or it has expired."""
        values = {"id": id_, "client": client, "now": now, "scope": scope}
        rows = await connection.fetch(self._statements.find, values)
        return Job(*rows[0]) if rows else None

    async def of_caller(self, request: FhirRequest) -> Job:
        """Return the job that the request names.

        Raises:
            NotFound: there is none of this client, or it has expired.
        """
        hub, caller = request.hub, request.caller
        job = await self.find(hub.database.reader, request.id, caller.client, hub.clock(), scope_of(caller))
        if job is None or caller.account:
            raise self.not_found()
        return job

    def not_found(self) -> NotFound:
        """Return the failure for a job that is not there, or is not the caller's."""
        return NotFound(f"There is no such {self._word}, or it has expired")

    async def take(self, database: Database, now: int) -> Job | None:
        """Take the oldest job that waits, until `now + LASTS`; None when there is none."""
        while rows := await database.reader.fetch(self._statements.next, {"now": now}):
            job = Job(*rows[0])
            if await self.take_this(database, job, now):
                return job
        return None

    async def take_this(self, database: Database, job: Job, now: int) -> bool:
        """Take a job until `now + LASTS`; return whether nobody else was at it."""
        async with database.write() as connection:
            values = {"k_id": job.id, "k_now": now, "n_until": now + LASTS}
            return await connection.execute(self._statements.take, values) == 1

    async def hold(self, connection: WriteConnection, job: Job, until: int, longer: int) -> bool:
        """Say that somebody is still at work; return whether the job was still held until `until`."""
        values = {"k_id": job.id, "k_until": until, "n_until": longer}
        return await connection.execute(self._statements.hold, values) == 1

    async def advance(
        self, connection: WriteConnection, job: Job, until: int, longer: int, step: Step, *, ends: int | None = None
    ) -> bool:
        """Note how far a job is, and hold it longer; return whether it was still held until `until`.

        Args:
            connection: A write transaction.
            job: The job.
            until: Until when it was held.
            longer: Until when it is held now.
            step: How far it is.
            ends: When it is forgotten, if that is another instant now.
        """
        values = {"k_id": job.id, "k_until": until, "n_until": longer, "n_step": step.step, "n_steps": step.steps}
        values |= {"n_position": step.position, "n_state": step.state, "n_ends": job.ends if ends is None else ends}
        return await connection.execute(self._statements.advance, values) == 1

    async def expired(self, connection: DatabaseConnection, now: int) -> list[Job]:
        """Return some of the jobs whose time has come."""
        return [Job(*row) for row in await connection.fetch(self._statements.expired, {"now": now})]

    async def remove(self, connection: WriteConnection, job: Job) -> None:
        """Remove a job's row."""
        await connection.execute(self._statements.remove, {"k_id": job.id})
