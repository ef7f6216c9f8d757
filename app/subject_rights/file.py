"""The list of patients' requests as CSV (RFC 4180): a line for each."""

from collections.abc import Iterable

from app.comma import comma_separated
from app.portal.dates import moment
from app.subject_rights.case import Case

COLUMNS = (
    *("case", "kind", "patient", "requester", "relation", "received", "due", "extended", "proof", "state"),
    *("decision", "reason", "closed", "overdue"),
)


def _day(instant: int) -> str:
    return moment(instant).date().isoformat() if instant else ""


def to_csv(cases: Iterable[Case], *, now: int) -> str:
    """Return cases as CSV with a header; no cell is taken for a formula.

    Args:
        cases: The cases.
        now: The present in microseconds since 1970 UTC.
    """
    return comma_separated((_line(one, now) for one in cases), COLUMNS)


def _line(one: Case, now: int) -> tuple[object, ...]:
    dates = (_day(one.received), _day(one.last_day), "yes" if one.extended else "")
    line = (one.number, one.kind, one.patient, one.requester, one.relation, *dates, one.proof, one.state)
    return (*line, one.decision, one.reason, _day(one.closed), "yes" if one.is_overdue(now) else "")
