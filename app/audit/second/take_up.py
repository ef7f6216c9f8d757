"""Takes up what the second log has and the log lacks.

The record of an access goes into the log as it is: its answer may have left. Of an act there is only said that it was
tried: its record was in the transaction that failed. Either is told by an event of its own, with the same patient and
person, so that whoever looks sees it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, select, union_all

from app.audit.keys import UnknownKey
from app.audit.record import Event, RecordError
from app.audit.review import Reviewer
from app.audit.second.entries import ACCESS, Entry, MalformedEntry, files, read
from app.audit.second.tables import audit_taken_up
from app.audit.tables import audit_record
from app.background import started
from app.clock import instant, row_time
from app.db import DatabaseConnection, DatabaseUnavailable

if TYPE_CHECKING:
    from app.hub import Hub

EVERY_SECONDS = 5.0

WAITS = 4
"""A line is taken up after so many times the wait for the log: by then its own flush has ended, either way."""

MOST_AT_ONCE = 200
"""Lines that one transaction takes up."""

LOCK = 0x7365_636F_6E64
"""The key under which processes take turns."""

FAILING = "The second log of emergencies cannot be written, or read"
TAKEN_UP, NOT_DONE = "taken-up", "not-done"

_row = bindparam("row", type_=BigInteger)
_KNOWN = union_all(
    select(audit_record.c.row).where(audit_record.c.row == _row),
    select(audit_taken_up.c.row).where(audit_taken_up.c.row == _row),
)

logger = logging.getLogger(__name__)


class TakingUp:
    """Looks through the files of a folder, each line once.

    Args:
        hub: The hub, with a second log.
        folder: Where the files are.
        patience_seconds: How old a line is before it is taken up.
    """

    def __init__(self, hub: "Hub", folder: Path, patience_seconds: float) -> None:
        self._hub = hub
        self._folder = folder
        self._patience = int(patience_seconds * 1_000_000)
        self._reviewer = Reviewer(hub.audit.keys)
        self._offsets: dict[Path, int] = {}
        """How far each file was looked through."""
        self.failure = ""
        """Why the files could not be read; empty when they could."""

    async def run(self) -> int:
        """Take up what is due and return how many lines the log lacked.

        Raises:
            DatabaseUnavailable: the log cannot be read or written.
        """
        taken = 0
        try:
            for path in await asyncio.to_thread(files, self._folder):
                while found := await asyncio.to_thread(self._due, path):
                    taken += await self._compare([entry for _, entry in found])
                    self._offsets[path] = found[-1][0]
        except (OSError, MalformedEntry) as error:
            self.failure = str(error)
            logger.critical("The second log cannot be read: %s", error)
        else:
            self.failure = ""
        return taken

    def _due(self, path: Path) -> list[tuple[int, Entry]]:
        """Return the next lines of a file that are old enough, each with the offset after it."""
        found: list[tuple[int, Entry]] = []
        for offset, entry in read(path, self._offsets.get(path, 0)):
            if len(found) == MOST_AT_ONCE or row_time(entry.row) > self._hub.clock() - self._patience:
                break
            found.append((offset, entry))
        return found

    async def _compare(self, entries: Sequence[Entry]) -> int:
        reader = self._hub.database.reader
        if not await self._lacking(reader, entries):
            return 0
        async with self._hub.database.write() as connection:
            await connection.lock(LOCK)
            # Another process, or the flush itself, may have been there meanwhile.
            lacking = await self._lacking(connection, entries)
            accesses = [(entry.row, entry.record) for entry in lacking if entry.kind == ACCESS]
            await self._hub.audit.write(connection, accesses, {})
            now = self._hub.clock()
            await connection.insert(audit_taken_up, [(one.row, now, _how(one)) for one in lacking])
            await self._hub.audit.stage(connection, [await self._told(connection, one) for one in lacking])
        return len(lacking)

    async def _lacking(self, connection: DatabaseConnection, entries: Sequence[Entry]) -> list[Entry]:
        unique = {entry.row: entry for entry in entries}.values()
        return [entry for entry in unique if not await connection.fetch(_KNOWN, {"row": entry.row})]

    async def _told(self, connection: DatabaseConnection, entry: Entry) -> Event:
        """Return the event that tells of a line."""
        at = instant(row_time(entry.row))
        if entry.kind == ACCESS:
            words = f"The log could not be written at {at}; AuditEvent/{entry.row} was taken up from the second log"
        else:
            words = f"The log could not be written at {at}: what was tried then was not done"
        about = Event(
            recorded=self._hub.clock(),
            action="E",
            interaction="audit-taken-up",
            outcome="4" if entry.kind == ACCESS else "8",
            outcome_desc=_how(entry),
            entities=(f"AuditEvent/{entry.row}",) if entry.kind == ACCESS else (),
            description=words,
        )
        return await self._whose(connection, entry, about)

    async def _whose(self, connection: DatabaseConnection, entry: Entry, about: Event) -> Event:
        """Return an event with the patient and the person of a line; without them when its details do not open."""
        try:
            (opened,) = await self._reviewer.open(connection, [(entry.row, entry.record)])
        except (RecordError, UnknownKey) as error:
            logger.error("Line %s of the second log does not open: %s", entry.row, error)
            return about
        event = opened.event
        if event.erased:
            return about
        same = ("patient", "patient_key", "user", "user_name", "client", "organisation", "role", "custodian")
        told = about._replace(**{name: getattr(event, name) for name in same})
        tried = event.description or f"{event.method or ''} {event.path or ''}".strip()
        return told._replace(description=f"{about.description}: {tried}" if tried else about.description)


def _how(entry: Entry) -> str:
    return TAKEN_UP if entry.kind == ACCESS else NOT_DONE


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(hub), "second log")


async def _run(hub: "Hub") -> None:
    while hub.taking_up is not None:
        try:
            await hub.taking_up.run()
        except DatabaseUnavailable as error:
            logger.warning("The second log waits for the database: %s", error)
        except Exception:
            # What cannot be taken up now is taken up later, so no failure ends the task.
            logger.exception("The second log cannot be taken up")
        await asyncio.sleep(EVERY_SECONDS)


def warnings(hub: "Hub") -> list[str]:
    """Return what the operator must know of the second log."""
    second, taking_up = hub.audit.second, hub.taking_up
    failing = (second is not None and second.failure) or (taking_up is not None and taking_up.failure)
    return [FAILING] if failing else []
