"""How far a request is that is carried out later: each step is written by who still holds it.

What became of a write is kept in the write's own transaction, together with the proof that the job is still held. So
whoever goes on after a crash knows what is done, and a request that was called off, or is another process's by now,
writes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence

from app.db import DatabaseUnavailable, WriteConnection
from app.records.batch import written_entry
from app.records.jobs.job import DONE, WAITING, Step
from app.records.jobs.queue import LASTS
from app.records.jobs.run import Held, Lost
from app.records.later.answers import REQUESTS, Answered, of_write, put
from app.records.later.asked import Asked, remove_body
from app.records.request import Settle
from app.records.response import Response
from app.records.writing import Writing
from fhir.errors import Conflict

BEATS_SECONDS = 15.0
"""How often it is said that somebody is at work; a quarter of what a job is held."""


class Progress:
    """The steps of one request.

    Attributes:
        done: The entries that have an answer.
        entries: How many there are, as far as it is known.
        lost: Whether the job turned out to be held no more.
        settled: Whether the write that is under way has kept its answer.
    """

    def __init__(self, held: Held, asked: Asked, tries: int) -> None:
        self.held = held
        self.done: set[int] = set()
        self.entries = 0
        self.settled = False
        self._asked = asked
        self._tries = tries
        self.lost = False
        self._longer = 0
        self._beating: asyncio.Task[None] | None = None
        self._resting = asyncio.Event()
        self._resting.set()

    def begin_to_beat(self) -> None:
        """Say now and then that somebody is at work, until the first step says it."""
        self._beating = asyncio.create_task(self._beat(), name="beat")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEATS_SECONDS)
            longer = self.held.hub.clock() + LASTS
            try:
                async with self.held.hub.database.write() as connection:
                    self._resting.clear()
                    held = await REQUESTS.hold(connection, self.held.job, self.held.until, longer)
                if not held:
                    return
                self.held.until = longer
            finally:
                self._resting.set()

    async def be_still(self) -> None:
        """End the beat: one that waits for its turn is called off, one that is writing is waited for."""
        if self._beating is not None:
            await self._resting.wait()
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
            self._beating = None

    def check(self, response: Response) -> None:
        """Stop where the job is not held any more, and where nobody knows whether something was written.

        Raises:
            Lost: it is not held.
            DatabaseUnavailable: it is not known; whoever takes the job next will see.
        """
        if self.lost:
            raise Lost
        if response.status == 503:
            raise DatabaseUnavailable("A request that is to be carried out waits")

    def settle_alone(self, number: int, form: str = "") -> Settle:
        """Return what keeps the answer to a write that is one entry, if it wrote anything."""

        async def settle(writing: Writing, _: Mapping[int, bytes] | None) -> None:
            if writing.written:
                await self.settle(writing, [of_write(number, written_entry(writing.request, writing.written))], form)

        return settle

    async def settle(self, writing: Writing, found: Sequence[Answered], form: str) -> None:
        """Keep answers in the transaction of the write that they are about.

        Args:
            writing: The transaction.
            found: The answers.
            form: That of the whole answer, when these are the last; otherwise empty.

        Raises:
            Conflict: the job is not held any more; nothing stays written.
        """
        await self.be_still()
        longer = self.held.hub.clock() + LASTS
        if not await self._step(writing.connection, found, form, longer):
            self.lost = True
            raise Conflict("The request was called off, or is carried out elsewhere")
        self.settled, self._longer = True, longer

    def committed(self, number: int) -> None:
        """Note that the transaction is durable in which the answer to an entry was kept."""
        self.held.until = self._longer
        self.done.add(number)

    async def keep(self, found: Sequence[Answered], form: str = "") -> None:
        """Keep answers about which nothing was written.

        Raises:
            Lost: the job is not held any more.
        """
        await self.be_still()
        longer = self.held.hub.clock() + LASTS
        async with self.held.hub.database.write() as connection:
            if not await self._step(connection, found, form, longer):
                raise Lost
        self.held.until = longer
        self.done |= {one.number for one in found}

    async def _step(self, connection: WriteConnection, found: Sequence[Answered], form: str, longer: int) -> bool:
        job, state = self.held.job, DONE if form else WAITING
        step = Step(len(self.done) + len(found), self.entries, form or str(self._tries), state)
        if not await REQUESTS.advance(connection, job, self.held.until, longer, step):
            return False
        await put(connection, job, found)
        if form:
            # The body is needed no more.
            await remove_body(connection, self._asked)
        return True
