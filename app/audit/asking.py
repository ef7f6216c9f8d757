"""Questions of more than one page, and those about several patients at once, the newest records first."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from app.audit.review import Answer, Entry, Question, Reviewer
from app.db import DatabaseConnection

LATE = 3_600_000_000
"""Microseconds by which the record of a long request may come after its beginning."""


async def walk(
    connection: DatabaseConnection,
    reviewer: Reviewer,
    question: Question,
    *,
    now: int,
    at_once: int,
    before: int | None = None,
) -> AsyncIterator[Entry]:
    """Yield the records that answer a question.

    Args:
        connection: Where to read.
        reviewer: Opens them.
        question: What is asked.
        now: The present in microseconds since 1970 UTC.
        at_once: Records that are read at once.
        before: The number of a record: only those before it.
    """
    while True:
        answer = await reviewer.ask(connection, question, now=now, limit=at_once, before=before)
        for entry in answer.entries:
            yield entry
        if answer.before is None:
            return
        before = answer.before


async def walk_events(
    connection: DatabaseConnection,
    reviewer: Reviewer,
    question: Question,
    *,
    now: int,
    at_once: int,
    before: int | None = None,
) -> AsyncIterator[Entry]:
    """Yield as `walk` does; the period of the question is that of the events, not of their records."""
    wider = replace(question, ends=question.ends + LATE)
    async for entry in walk(connection, reviewer, wider, now=now, at_once=at_once, before=before):
        if question.begins <= entry.event.recorded < question.ends:
            yield entry


async def ask_about(
    connection: DatabaseConnection,
    reviewer: Reviewer,
    question: Question,
    patients: Sequence[str],
    *,
    now: int,
    limit: int,
    before: int | None = None,
) -> Answer:
    """Return at most `limit` records that answer a question about any of these patients, as `Reviewer.ask` does.

    Args:
        connection: Where to read.
        reviewer: Opens them.
        question: What is asked.
        patients: `Patient/<id>`; an empty one asks about everybody.
        now: The present in microseconds since 1970 UTC.
        limit: The most records.
        before: `Answer.before` of the page before.
    """
    found: dict[int, Entry] = {}
    more = False
    for patient in patients:
        wanted = replace(question, patient=patient)
        page = await reviewer.ask(connection, wanted, now=now, limit=limit, before=before)
        found |= {entry.row: entry for entry in page.entries}
        more = more or page.before is not None
    rows = sorted(found, reverse=True)
    shown = rows[:limit]
    return Answer([found[row] for row in shown], shown[-1] if shown and (more or len(rows) > limit) else None)
