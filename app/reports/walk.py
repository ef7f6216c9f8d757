"""The events of the log that a report is made of, the newest first, page by page."""

from collections.abc import AsyncIterator

from app.audit.asking import walk_events
from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.db import DatabaseConnection

AT_ONCE = 500
"""Records that are read at once."""


async def events(
    connection: DatabaseConnection, reviewer: Reviewer, question: Question, *, now: int
) -> AsyncIterator[Event]:
    """Yield the events that answer a question; the period is that of the events, not of their records.

    Args:
        connection: Where to read.
        reviewer: Opens the records.
        question: Who, whom, from when until when.
        now: The present in microseconds since 1970 UTC.
    """
    async for entry in walk_events(connection, reviewer, question, now=now, at_once=AT_ONCE):
        yield entry.event
