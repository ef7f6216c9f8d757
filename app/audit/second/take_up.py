"""Takes up what the second log has and the log lacks.

The record of an access goes into the log as it is: its answer may have left. Of an act there is only said that it was
tried: its record was in the transaction that failed. Either is told by an event of its own, with the same patient and
person, so that whoever looks sees it. What is damaged stays where it is, and holds up nothing else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from sqlalchemy import BigInteger, bindparam, select, union_all

from app.audit.retain import expired
from app.audit.review import Reviewer
from app.audit.second.entries import Entry, MalformedEntry, files, lines, parse
from app.audit.second.expire import remove_over
from app.audit.second.tables import audit_taken_up
from app.audit.second.told import TAKEN_UP, look_at
from app.audit.tables import audit_leaf, audit_record
from app.background import again, apart, started
from app.clock import row_time
from app.db import DatabaseConnection

if TYPE_CHECKING:
    from app.hub import Hub

P = ParamSpec("P")
T = TypeVar("T")

EVERY_SECONDS = 5.0

WAITS = 4
"""A line is taken up after so many times the wait for the log: by then its own flush has ended, either way."""

LONGEST_SECONDS = 60.0
"""How long the disk may take to answer before it counts as one that fails."""

MOST_AT_ONCE = 200
"""Lines that one transaction takes up."""

AHEAD_MICROSECONDS = 3_600_000_000
"""A line whose number is of a later time than this from now is none that the hub wrote."""

LOCK = 0x7365_636F_6E64
"""The key under which processes take turns."""

FAILING = "The second log of emergencies cannot be written, or read"

_row = bindparam("row", type_=BigInteger)
_KNOWN = union_all(
    select(audit_record.c.row).where(audit_record.c.row == _row),
    select(audit_taken_up.c.row).where(audit_taken_up.c.row == _row),
    # Retention removes a record and leaves its leaf.
    select(audit_leaf.c.row).where(audit_leaf.c.row == _row),
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Due:
    """The next lines of a file."""

    entries: Sequence[Entry]
    offset: int
    """Where they end."""
    damaged: str
    """Why one before that is none; empty when all are."""


class TakingUp:
    """Looks through the files of a folder, each line once.

    Args:
        hub: The hub, with a second log.
        folder: Where the files are.
        patience_seconds: How old a line is before it is taken up.
    """

    def __init__(self, hub: "Hub", folder: Path, patience_seconds: float) -> None:
        self._hub = hub
        self.folder = folder
        self._patience = int(patience_seconds * 1_000_000)
        self._reviewer = Reviewer(hub.audit.keys)
        self._offsets: dict[Path, int] = {}
        """How far each file was looked through."""
        self._damaged: dict[Path, str] = {}
        """Files with a line that is none, and why."""
        self._failures: dict[Path, str] = {}
        """What could not be read when it was looked at last."""
        self._work: asyncio.Future[Any] | None = None
        """What the disk was asked last."""
        self._gone = -1
        """Up to which number retention has removed records; files of none but these are gone too."""

    @property
    def failure(self) -> str:
        """Why the files could not be read, or one of their lines; empty when they could."""
        return "; ".join([*self._failures.values(), *self._damaged.values()])

    async def run(self) -> int:
        """Take up what is due and return how many lines the log lacked.

        Raises:
            DatabaseUnavailable: the log cannot be read or written.
        """
        taken = 0
        failures: dict[Path, str] = {}
        try:
            paths = await self._ask(files, self.folder)
        except OSError as error:
            paths, failures[self.folder] = [], str(error)
        for path in paths:
            try:
                taken += await self._take_up(path)
            except FileNotFoundError:
                # Another process has removed it: retention has removed what it held.
                continue
            except OSError as error:
                failures[path] = str(error)
                logger.critical("The second log cannot be read: %s", error)
        self._failures = failures
        for known in (self._offsets, self._damaged):
            for path in known.keys() - set(paths):
                del known[path]
        if paths and not failures:
            await self._expire()
        return taken

    async def _ask(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return what the disk answers.

        Raises:
            TimeoutError: it does not answer in time, or is still busy with what was asked before.
        """
        if self._work is not None and not self._work.done():
            raise TimeoutError(f"{self.folder}: the disk takes too long")
        asked = apart(function, *arguments, **named)
        self._work = asked
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                # Whoever waits no longer does not take the file from the thread.
                return await asyncio.shield(asked)
        except TimeoutError:
            raise TimeoutError(f"{self.folder}: the disk takes too long") from None

    async def _take_up(self, path: Path) -> int:
        taken = 0
        while True:
            due = await self._ask(self._due, path)
            if due.damaged and path not in self._damaged:
                self._damaged[path] = f"{path}: {due.damaged}"
                logger.critical("A line of the second log is damaged: %s", self._damaged[path])
            if due.entries:
                taken += await self._compare(due.entries)
            self._offsets[path] = due.offset
            if not due.entries:
                return taken

    def _due(self, path: Path) -> _Due:
        """Return the next lines of a file that are old enough; those that are none are passed over."""
        found: list[Entry] = []
        offset, damaged, now = self._offsets.get(path, 0), "", self._hub.clock()
        for after, text in lines(path, offset):
            try:
                entry = parse(text)
                if row_time(entry.row) > now + AHEAD_MICROSECONDS:
                    raise MalformedEntry(f"a number of the future: {entry.row}")
            except MalformedEntry as error:
                damaged = damaged or str(error)
            else:
                if len(found) == MOST_AT_ONCE or row_time(entry.row) > now - self._patience:
                    break
                found.append(entry)
            offset = after
        return _Due(found, offset, damaged)

    async def _compare(self, entries: Sequence[Entry]) -> int:
        reader = self._hub.database.reader
        now = self._hub.clock()
        found = [await look_at(self._reviewer, reader, one, now) for one in await self._lacking(reader, entries)]
        if not found:
            return 0
        async with self._hub.database.write() as connection:
            await connection.lock(LOCK)
            # Another process, or the flush itself, may have been there meanwhile.
            lacking = {entry.row for entry in await self._lacking(connection, [one.entry for one in found])}
            told = [one for one in found if one.entry.row in lacking]
            accesses = [(one.entry.row, one.entry.record) for one in told if one.how == TAKEN_UP]
            await self._hub.audit.write(connection, accesses, {})
            await connection.insert(audit_taken_up, [(one.entry.row, now, one.how) for one in told])
            await self._hub.audit.stage(connection, [one.event for one in told])
        return len(told)

    async def _lacking(self, connection: DatabaseConnection, entries: Sequence[Entry]) -> list[Entry]:
        unique = {entry.row: entry for entry in entries}.values()
        return [entry for entry in unique if not await connection.fetch(_KNOWN, {"row": entry.row})]

    async def _expire(self) -> None:
        """Remove files of which retention has removed all records, once it has removed more."""
        _, gone = await expired(self._hub.database.reader)
        if gone == self._gone:
            return
        self._gone = gone
        try:
            count = await self._ask(remove_over, self.folder, gone)
        except OSError as error:
            # They are tried again once retention has removed more.
            logger.error("Files of the second log that are over cannot be removed: %s", error)
            return
        if count:
            logger.info("%s files of the second log are removed: their records are too old to be kept", count)


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    if hub.taking_up is not None and not hub.settings.is_postgresql:
        warn_of_one_disk(hub.taking_up.folder, hub.settings.sqlite_path)
    return started(_run(hub), "second log")


def warn_of_one_disk(folder: Path, database: Path) -> bool:
    """Say in the hub's output when the second log is on the database's disk, and return whether it is."""
    # The folder is made with its first line.
    one, other = (folder if folder.exists() else folder.parent), database.parent
    if not (one.exists() and other.exists() and one.stat().st_dev == other.stat().st_dev):
        return False
    logger.warning("The second log is on the same disk as the database and fails with it: is %s mounted?", folder)
    return True


async def _run(hub: "Hub") -> None:
    if hub.taking_up is not None:
        waits, fails = "The second log waits for the database", "The second log cannot be taken up"
        await again(hub.taking_up.run, EVERY_SECONDS, logger, waits=waits, fails=fails, at_once=True)


def warnings(hub: "Hub") -> list[str]:
    """Return what the operator must know of the second log."""
    second, taking_up = hub.audit.second, hub.taking_up
    failing = (second is not None and second.failure) or (taking_up is not None and taking_up.failure)
    return [FAILING] if failing else []
