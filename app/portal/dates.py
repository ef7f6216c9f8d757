"""Dates as people in Japan read them: FHIR's texts in Japan's time, ages, and the eras people were born in.

https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone

JST = timezone(timedelta(hours=9), "JST")

_ERAS = (
    ("令和", "R", date(2019, 5, 1)),
    ("平成", "H", date(1989, 1, 8)),
    ("昭和", "S", date(1926, 12, 25)),
    ("大正", "T", date(1912, 7, 30)),
    ("明治", "M", date(1868, 1, 25)),
)
"""Name, letter and first day, the newest first."""

_ERA_DATE = re.compile(
    r"(令和|平成|昭和|大正|明治|[RHSTMrhstm])\s?(\d{1,2}|元)\s?[年./\-](\d{1,2})[月./\-](\d{1,2})日?"
)
_WESTERN_DATE = re.compile(r"(\d{4})\s?[年./\-](\d{1,2})[月./\-](\d{1,2})日?")
_DIGITS_DATE = re.compile(r"(1[89]\d\d|20\d\d)(\d\d)(\d\d)")


def in_japan(text: str) -> tuple[str, str]:
    """Return the day and the time of a FHIR date, dateTime or instant in Japan's time.

    Returns:
        `("2024-05-01", "10:00")`; the time is empty when the text has none, and the day is as exact as the text.
    """
    if "T" not in text:
        return text, ""
    try:
        moment = datetime.fromisoformat(text)
        local = moment.astimezone(JST) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        # At the end of the calendar, `9999-12-31T23:59:59Z` for a time without end, Japan's is not to be had.
        return text[:10], ""
    return f"{local:%Y-%m-%d}", f"{local:%H:%M}"


def moment(microseconds: int) -> datetime:
    """Return an instant in microseconds since 1970 UTC in Japan's time."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).astimezone(JST)


def to_microseconds(day: date) -> int:
    """Return the first instant of a day in Japan, in microseconds since 1970 UTC."""
    start = datetime(day.year, day.month, day.day, tzinfo=JST)
    return (start - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def age(born: str, today: date) -> int | None:
    """Return the age in whole years of somebody born on a FHIR date, None unless the date is exact to the day."""
    try:
        day = date.fromisoformat(born)
    except ValueError:
        return None
    return today.year - day.year - ((today.month, today.day) < (day.month, day.day))


def era(text: str) -> str:
    """Return a FHIR date's year in its era, `昭和35年`, or an empty text before 明治 or without a whole date."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return ""
    for name, _, begins in _ERAS:
        if day >= begins:
            years = day.year - begins.year + 1
            return f"{name}{'元' if years == 1 else years}年"
    return ""


def _made(year: int, month: int, day: int) -> str:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def typed_date(text: str) -> str:
    """Return the FHIR date that somebody typed, or an empty text.

    Args:
        text: `1960-01-02`, `1960/1/2`, `1960年1月2日`, `19600102`, `昭和35年1月2日`, `S35.1.2`; NFKC-normalised.
    """
    if found := _ERA_DATE.fullmatch(text):
        begins = next(first for name, letter, first in _ERAS if found[1].upper() in (name, letter))
        years = 1 if found[2] == "元" else int(found[2])
        return _made(begins.year + years - 1, int(found[3]), int(found[4]))
    found = _WESTERN_DATE.fullmatch(text) or _DIGITS_DATE.fullmatch(text)
    return _made(int(found[1]), int(found[2]), int(found[3])) if found else ""
