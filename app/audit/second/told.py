"""What the log is told of a line that it lacks."""

import logging
from dataclasses import dataclass

from app.audit.grow import index_of
from app.audit.keys import UnknownKey
from app.audit.record import Event, parse
from app.audit.review import Reviewer
from app.audit.second.entries import ACCESS, Entry
from app.clock import instant, row_time
from app.db import DatabaseConnection

TAKEN_UP, NOT_DONE, DAMAGED = "taken-up", "not-done", "damaged"

_SAME = ("patient", "patient_key", "user", "user_name", "client", "organisation", "role", "custodian")
"""What the event has of the line's own."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """A line, and what becomes of it."""

    entry: Entry
    how: str
    """`TAKEN_UP`: its record goes into the log; `NOT_DONE` and `DAMAGED`: it does not."""
    event: Event
    """Tells of it."""


async def look_at(reviewer: Reviewer, connection: DatabaseConnection, entry: Entry, now: int) -> Told:
    """Return what becomes of a line.

    Args:
        reviewer: Opens its record.
        connection: Where to read; outside a transaction, for an old record may need a search through all patients.
        entry: The line.
        now: The present in microseconds since 1970 UTC.
    """
    how = TAKEN_UP if entry.kind == ACCESS else NOT_DONE
    opened: Event | None = None
    try:
        # What the tree cannot take would stop it for good.
        parse(entry.record)
        index_of(entry.row, entry.record)
        (found,) = await reviewer.open(connection, [(entry.row, entry.record)])
        opened = found.event
    except UnknownKey as error:
        logger.error("Line %s of the second log does not open: %s", entry.row, error)
    except ValueError as error:
        logger.error("Line %s of the second log is damaged: %s", entry.row, error)
        how = DAMAGED
    return Told(entry, how, _event(entry, how, opened, now))


def _event(entry: Entry, how: str, opened: Event | None, now: int) -> Event:
    at = instant(row_time(entry.row))
    words = {
        TAKEN_UP: f"The log could not be written at {at}; AuditEvent/{entry.row} was taken up from the second log",
        NOT_DONE: f"The log could not be written at {at}: what was tried then was not done",
        DAMAGED: f"Line {entry.row} of the second log, of {at}, is damaged: its record is not in the log",
    }[how]
    about = Event(
        recorded=now,
        action="E",
        interaction="audit-taken-up",
        outcome="4" if how == TAKEN_UP else "8",
        outcome_desc=how,
        entities=(f"AuditEvent/{entry.row}",) if how == TAKEN_UP else (),
        description=words,
    )
    if opened is None or opened.erased:
        return about
    told = about._replace(**{name: getattr(opened, name) for name in _SAME})
    tried = opened.description or f"{opened.method or ''} {opened.path or ''}".strip()
    return told._replace(description=f"{words}: {tried}" if tried else words)
