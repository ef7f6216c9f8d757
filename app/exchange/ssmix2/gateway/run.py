"""The gateway at work: a walk through the whole store, then whatever changes, until it is told to stop.

Batches go one after the other, so that each patient's files arrive in their order; the next is read meanwhile.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.background import started
from app.exchange.ssmix2.gateway.batches import Batch, Reader
from app.exchange.ssmix2.gateway.changes import LOOK_SECONDS, Transactions, by_events
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.journal import DEAD, SENT, Journal
from app.exchange.ssmix2.gateway.line import Answered, Letter, Line, LineDown, NotTaken
from app.exchange.ssmix2.gateway.walk import Found, count_patients, patients, strays

SHORTEST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 60.0
"""How long the gateway waits before it tries a line again that is down."""

ATTEMPTS_ONCE = 5
"""How often it tries when it is to walk through the store once."""

STOP_SECONDS = 10.0
"""How long a batch that is on its way is waited for when the gateway is told to stop."""

MOST_UNREAD = 100
"""Paths that `--status` tells of files that cannot be read."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Progress:
    """How far the gateway is."""

    done: int = 0
    unchanged: int = 0
    refused: int = 0
    patients: int = 0
    patients_begun: int = 0
    down: str = ""
    """Why the line is down; empty while it is up."""


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


class Gateway:
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
        self.progress = Progress()
        self._wanted, self._journal, self._dead, self._line, self._tell = wanted, journal, dead, line, tell
        self._reader = Reader(wanted.root, journal, wanted.settle_seconds)
        self._line_told = False
        self._unread_told: dict[str, str] | None = None
        self._stop = asyncio.Event()
        self._changed: set[str] = set()
        self._woken = asyncio.Event()

    def stop(self) -> None:
        """Stop after the batch at work."""
        self._stop.set()
        self._woken.set()

    async def run(self) -> None:
        """Send what is to be sent.

        Raises:
            LineDown: the line stays down, and the store was to be walked through once.
            NotLetIn: the hub refuses the gateway itself.
        """
        watching = [] if self._wanted.once else self._watch()
        try:
            await self._walk()
            while not (self._wanted.once or self._stop.is_set()):
                await self._next()
            if self._wanted.once and self._reader.unfinished and not self._stop.is_set():
                await asyncio.sleep(self._wanted.settle_seconds)
                await self._send_all(sorted(self._reader.unfinished))
        finally:
            for end in watching:
                await end()

    def _watch(self) -> list[Callable[[], Awaitable[None]]]:
        """Start what tells of changes, before the walk, so that none falls between; return what ends it."""
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

    def _note_changes(self, folders: Iterable[str]) -> None:
        self._changed.update(folders)
        if self._changed:
            self._woken.set()

    async def _walk(self) -> None:
        """Go through the whole store."""
        root = self._wanted.root
        self.progress.patients = await asyncio.to_thread(count_patients, root)
        self._reader.begun = 0
        self._journal.note(walk_begun=int(time.time()), walk_ended="")
        self._reader.unread.clear()
        await self._send_all(patients(root, self._reader.note_unread), first=strays(root))
        if not self._stop.is_set():
            self._journal.note(walk_ended=int(time.time()))
        self._walked = time.monotonic()

    async def _next(self) -> None:
        """Wait for changes and send them; walk again when it is time."""
        left = self._walked + self._wanted.every_seconds - time.monotonic()
        wait = min(left, max(self._wanted.settle_seconds, 0.1)) if self._reader.unfinished else left
        try:
            await asyncio.wait_for(self._woken.wait(), max(wait, 0.0))
        except TimeoutError:
            if not self._reader.unfinished or left <= 0:
                await self._walk()
                return
        if self._stop.is_set():
            return
        self._woken.clear()
        changed = sorted(self._changed | self._reader.unfinished)
        self._changed.clear()
        await self._send_all(changed)

    async def _send_all(self, folders: Iterable[str], *, first: Iterable[Found] = ()) -> None:
        batches = self._reader.batches(folders, first=first)
        reading = asyncio.create_task(asyncio.to_thread(_next_of, batches))
        while (batch := await reading) is not None and not self._stop.is_set():
            reading = asyncio.create_task(asyncio.to_thread(_next_of, batches))
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
            self._dead.put(row.path, b"", [_finding(reason)])
        self._journal.keep([row for row, _ in batch.refused])
        self.progress.refused += len(batch.refused)
        if not batch.letters:
            return
        try:
            answers = await self._answers(batch.letters)
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
            self._note(batch, [Answered(batch.letters[0].path, "refused", [_finding(reason)])])

    async def _answers(self, letters: list[Letter]) -> list[Answered] | None:
        """Return what the hub says; None when the gateway was told to stop before."""
        wait, attempts = SHORTEST_WAIT_SECONDS, 0
        while not self._stop.is_set():
            try:
                answers = await self._until_stopped(letters)
            except LineDown as error:
                attempts += 1
                if self._wanted.once and attempts >= ATTEMPTS_ONCE:
                    raise
                self._line_is(str(error))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), max(wait, error.after_seconds))
                wait = min(wait * 2, LONGEST_WAIT_SECONDS)
            else:
                self._line_is("")
                return answers
        return None

    async def _until_stopped(self, letters: list[Letter]) -> list[Answered] | None:
        """Send; when the gateway is told to stop, wait a little for the answer."""
        sending = asyncio.create_task(self._line.send(letters))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not sending.done():
            await asyncio.wait({sending}, timeout=STOP_SECONDS)
        if not sending.done():
            sending.cancel()
            return None
        return sending.result()

    def _line_is(self, down: str) -> None:
        if down and not self.progress.down:
            logger.warning("The line is down: %s", down)
        if not self._line_told or bool(down) != bool(self.progress.down):
            # The gateway before may have ended while the line was down.
            self._line_told = True
            self._journal.note(line_down=down and f"since {time.strftime('%Y-%m-%d %H:%M:%S')}: {down}")
        self.progress.down = down
        if down:
            self._tell(self.progress)

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


def _finding(text: str) -> dict[str, Any]:
    return {"segment": "", "index": 0, "field": 0, "text": text}


def _next_of(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
