"""Periods of a report: days and months in Japan, as half-open intervals of microseconds since 1970 UTC."""

import re
from datetime import date, datetime, timedelta

from app.portal.dates import moment, to_microseconds
from fhir.errors import InvalidValue
from fhir.search.date import interval

_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")
EVER = 2**62
"""After all time."""


def month(text: str) -> tuple[int, int]:
    """Return when a month in Japan, `2026-04`, begins and ends.

    Raises:
        InvalidValue: it is no month.
    """
    if not _MONTH.fullmatch(text):
        raise InvalidValue("A month is written 2026-04", "month")
    return interval(text)


def days(first: datetime | None, last: datetime | None) -> tuple[int, int]:
    """Return when a period begins and ends; it has its last day, and no bound where none is given.

    Raises:
        InvalidValue: it ends before it begins.
    """
    begins = to_microseconds(first.date()) if first else 0
    ends = to_microseconds(last.date() + timedelta(days=1)) if last else EVER
    if ends <= begins:
        raise InvalidValue("The period ends before it begins", "to")
    return begins, ends


def minute(microseconds: int) -> str:
    """Return an instant as people in Japan read it: `2026-04-01 09:00`."""
    return f"{moment(microseconds):%Y-%m-%d %H:%M}"


def today(microseconds: int) -> date:
    """Return the day in Japan."""
    return moment(microseconds).date()
