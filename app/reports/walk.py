"""The events of the log that a report is made of, the newest first, page by page."""

from collections.abc import AsyncIterator

from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.db import DatabaseConnection

AT_ONCE = 500
"""Records that are read at once."""

LATE = 3_600_000_000
"""Microseconds by which the record of a long request may come after its beginning."""


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
    wider = Question(
        patient=question.patient,
        user=question.user,
        site=question.site,
        agent=question.agent,
        begins=question.begins,
        ends=question.ends + LATE,
    )
    before: int | None = None
    while True:
        answer = await reviewer.ask(connection, wider, now=now, limit=AT_ONCE, before=before)
        for entry in answer.entries:
            if question.begins <= entry.event.recorded < question.ends:
                yield entry.event
        if answer.before is None:
            return
        before = answer.before
