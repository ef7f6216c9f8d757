"""The list of the cases of a month, as CSV (RFC 4180): a line for each case and site that was told."""

import re
from collections.abc import Iterable, Iterator

from app.clock import instant
from app.comma import comma_separated
from app.consent.break_glass.cases import Listed
from fhir.errors import InvalidValue
from fhir.search.date import interval

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def month_of(text: str) -> tuple[int, int]:
    """Return when a month in Japan, `2026-04`, begins and ends, in microseconds; for an empty text, all time.

    Raises:
        InvalidValue: it is no month.
    """
    if not text:
        return 0, 2**62
    if not _MONTH.fullmatch(text):
        raise InvalidValue("A month is written 2026-04", "month")
    return interval(text)


COLUMNS = (
    *("case", "begun", "until", "person", "name", "role", "organisation", "patient", "code", "reason"),
    *("site", "discloses", "state", "changed", "overdue"),
)


def to_csv(found: Iterable[Listed], *, now: int, days: int) -> str:
    """Return cases as CSV with a header.

    Args:
        found: The cases.
        now: The present in microseconds since 1970 UTC.
        days: After how many days without a verdict one is overdue.
    """
    return comma_separated(_lines(found, now, days), COLUMNS)


def _lines(found: Iterable[Listed], now: int, days: int) -> Iterator[tuple[object, ...]]:
    for listed in found:
        case = listed.case
        who = (case.user, case.user_title, case.role, case.organisation_title)
        about = (case.number, instant(case.begun), instant(case.until), *who, case.patient, case.code, case.reason)
        for one in listed.told:
            late = "yes" if one.waits and listed.is_overdue(now, days) else ""
            yield (*about, one.title, "yes" if one.discloses else "", one.state, instant(one.changed), late)
