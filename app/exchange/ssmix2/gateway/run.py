"""The gateway at work: a walk through the whole store, then whatever changes, until it is told to stop.

Batches go one after the other, so that each patient's files arrive in their order; the next is read meanwhile.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from app.background import started
from app.exchange.ssmix2.gateway.batches import Batch, Reader
from app.exchange.ssmix2.gateway.carrying import Carrying, Progress, next_of
from app.exchange.ssmix2.gateway.changes import LOOK_SECONDS, Transactions, by_events
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.hub_line import finding
from app.exchange.ssmix2.gateway.journal import DEAD, SENT, Journal
from app.exchange.ssmix2.gateway.line import Answered, Line, NotTaken
from app.exchange.ssmix2.gateway.walk import Found, count_patients, patients, strays

MOST_UNREAD = 100
"""Paths that `--status` tells of files that cannot be read."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the gateway is to do."""

    root: Path
    transactions: Path | None = None
    """The root of the transaction store; None: the system's file events are followed."""
    once: bool = False
    every_seconds: float = 3600.0
    """How often the whole store is walked through, since events get lost."""
    settle_seconds: float = 2.0
    """How long nobody must have written to a file."""


class Gateway(Carrying):
    """One gateway.

    Args:
        wanted: What it is to do.
        journal: What was sent before.
        dead: Where refused files go.
        line: The line to the hub.
        tell: Told of the progress after each batch, and when the line goes down.
    """

    def __init__(
        self,
        wanted: Wanted,
        journal: Journal,
        dead: DeadLetters,
        line: Line,
        tell: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self._reader = Reader(wanted.root, journal, wanted.settle_seconds)
        super().__init__(wanted, journal, dead, self._reader, tell)
        self._wanted, self._line = wanted, line
        self._unread_told: dict[str, str] | None = None

    def _watch(self) -> list[Callable[[], Awaitable[None]]]:
        if self._wanted.transactions is None:
            return [started(self._follow_events(), "store events")]
        transactions = Transactions(self._wanted.transactions, self._journal)
        transactions.skip()
        return [started(self._follow_transactions(transactions), "transactions")]

    async def _follow_events(self) -> None:
        async for folders in by_events(self._wanted.root, self._stop):
            self._note_changes(folders)

    async def _follow_transactions(self, transactions: Transactions) -> None:
        while True:
            try:
                self._note_changes(await asyncio.to_thread(transactions.read))
            except OSError as error:
                logger.warning("The transaction store cannot be read: %s", error)
            await asyncio.sleep(LOOK_SECONDS)

    async def _send_everything(self) -> None:
        root = self._wanted.root
        self.progress.patients = await asyncio.to_thread(count_patients, root)
        self._reader.begun = 0
        self._reader.unread.clear()
        await self._send_all(patients(root, self._reader.note_unread), first=strays(root))

    async def _send_all(self, folders: Iterable[str], *, first: Iterable[Found] = ()) -> None:
        batches = self._reader.batches(folders, first=first)
        reading = asyncio.create_task(asyncio.to_thread(next_of, batches))
        while (batch := await reading) is not None and not self._stop.is_set():
            reading = asyncio.create_task(asyncio.to_thread(next_of, batches))
            try:
                await self._deliver(batch)
            except BaseException:
                await asyncio.wait([reading])
                raise
            self.progress.patients_begun = self._reader.begun
            self._tell(self.progress)
        self._note_unread()

    def _note_unread(self) -> None:
        """Keep for `--status` what cannot be read."""
        told = dict(sorted(self._reader.unread.items())[:MOST_UNREAD])
        if told != self._unread_told:
            self._unread_told = told
            self._journal.note(unread=json.dumps(told, ensure_ascii=False))

    async def _deliver(self, batch: Batch) -> None:
        """Send a batch, again and again while the line is down, and note what became of it."""
        if batch.known:
            self._journal.keep(batch.known)
        for row, reason in batch.refused:
            self._dead.put(row.path, b"", [finding(reason)])
        self._journal.keep([row for row, _ in batch.refused])
        self.progress.refused += len(batch.refused)
        if not batch.letters:
            return
        try:
            answers = await self._patience.send(lambda: self._line.send(batch.letters))
        except NotTaken as error:
            await self._in_parts(batch, str(error))
            return
        if answers is not None:
            self._note(batch, answers)

    async def _in_parts(self, batch: Batch, reason: str) -> None:
        """Send a batch in halves, down to the one file that the hub does not take."""
        if len(batch.letters) > 1:
            for half in batch.halves():
                await self._deliver(half)
        else:
            self._note(batch, [Answered(batch.letters[0].path, "refused", [finding(reason)])])

    def _note(self, batch: Batch, answers: list[Answered]) -> None:
        rows = []
        for letter, row, answer in zip(batch.letters, batch.rows, answers, strict=True):
            refused = answer.state == "refused"
            rows.append(replace(row, state=DEAD if refused else SENT))
            if refused:
                self._dead.put(letter.path, letter.body, answer.findings)
            else:
                self._dead.remove(letter.path)
        self._journal.keep(rows)
        self.progress.done += sum(one.state == "done" for one in answers)
        self.progress.unchanged += sum(one.state == "unchanged" for one in answers)
        self.progress.refused += sum(one.state == "refused" for one in answers)
