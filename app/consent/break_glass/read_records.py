"""What was read in a case of break-glass, off the audit log: nothing else says so, and nothing can be left out."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.audit.record import Event
from app.audit.review import Question, Reviewer
from app.consent.break_glass.begin import patients_of
from app.consent.break_glass.cases import Case
from app.db import DatabaseConnection

MOST_READ = 1_000
"""Records of the log that are looked through for each of the person's Patients."""

_OF_THE_CASE = frozenset({"break-glass", "break-glass-ended", "break-glass-review"})
SLACK_MICROSECONDS = 1_000_000
"""An answer is recorded a moment after its request."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, the oldest first; `more` when the log has more than are shown."""

    events: Sequence[Event]
    more: bool


async def records_read(
    connection: DatabaseConnection, reviewer: Reviewer, case: Case, *, now: int, custodian: str = ""
) -> Read:
    """Return the accesses for the purpose BTG of who broke the glass to the person's records while the case was open.

    Args:
        connection: Where to read.
        reviewer: Opens the audit log.
        case: The case.
        now: The present in microseconds since 1970 UTC.
        custodian: The site whose records are meant, by its reference; empty for all.
    """
    found: list[Event] = []
    more = False
    for patient in await patients_of(connection, case.patient_key):
        question = Question(
            patient=f"Patient/{patient.id}",
            user=case.user,
            begins=case.begun // 1000 * 1000,
            ends=case.until + SLACK_MICROSECONDS,
        )
        answer = await reviewer.ask(connection, question, now=now, limit=MOST_READ)
        more = more or answer.before is not None
        found += [
            entry.event
            for entry in answer.entries
            if entry.event.purpose == "BTG" and entry.event.interaction not in _OF_THE_CASE
            if entry.event.client == case.client and custodian in ("", entry.event.custodian)
        ]
    return Read(sorted(found, key=lambda event: event.recorded), more)
