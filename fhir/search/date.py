"""Date search: partial dates as half-open intervals of microseconds since 1970-01-01T00:00Z.

https://hl7.org/fhir/R4/search.html#date
"""

import calendar
import datetime as dt
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from fhir.errors import InvalidValue
from fhir.search.values import DateValue, split_prefix

Row = tuple[int, int]
"""`[lo, hi)` in microseconds since 1970-01-01T00:00Z."""

JST = dt.timezone(dt.timedelta(hours=9), "JST")
"""The zone of dates that name none; Japan has kept this offset, without summer time, since 1952."""

MIN = -(2**62)
"""`lo` of a period without a start; far from the ends of 64 bits, so that SQL can add to it."""

MAX = 2**62
"""`hi` of a period without an end."""

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 24 * 60 * _MINUTE
_EPOCH = dt.date(1970, 1, 1).toordinal()

# A `+` that a client forgot to encode arrives as a space.
_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>[0-2][0-9]|3[01])"
    r"(?:T(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9]|60)(?:\.(?P<fraction>[0-9]+))?)?"
    r"(?P<zone>Z|[-+ ](?:0[0-9]|1[0-3]):[0-5][0-9]|[-+ ]14:00)?)?)?)?"
)


def interval(text: str, zone: dt.timezone = JST) -> Row:
    """Return the instants that a date, dateTime or instant covers.

    Args:
        text: From `2024` to `2024-05-06T07:08:09.123456+09:00`; seconds may be left out, as in queries,
            or be 60.
        zone: A fixed offset, for texts that name no zone.

    Returns:
        `[lo, hi)` in microseconds since 1970-01-01T00:00Z, as long as the precision: a year, a month, a day,
        a minute, a second, or the last digit of its fraction (at least one microsecond).

    Raises:
        InvalidValue: `text` is not a date of the calendar.
    """
    if len(text) == _WHOLE and (lo := _to_the_second(text)) is not None:
        return lo, lo + _SECOND
    match = _DATE.fullmatch(text)
    if match is None:
        raise InvalidValue(f"not a date: {text[:50]!r}")
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    try:
        first = dt.date(int(year), int(month or 1), int(day or 1)).toordinal()
    except ValueError as error:
        raise InvalidValue(f"not a day of the calendar: {text!r}") from error
    lo = (first - _EPOCH) * _DAY - _offset(offset, zone)
    if hour is None:
        return lo, lo + _days(int(year), month, day) * _DAY
    lo += (int(hour) * 60 + int(minute)) * _MINUTE
    if second is None:
        return lo, lo + _MINUTE
    lo += int(second) * _SECOND
    if fraction is None:
        return lo, lo + _SECOND
    digits = fraction[:6]
    unit = 10 ** (6 - len(digits))
    lo += int(digits) * unit
    return lo, lo + unit


_WHOLE = len("2024-05-06T07:08:09+09:00")


def _to_the_second(text: str) -> int | None:
    """Return the instant of `2024-05-06T07:08:09+09:00`, the most frequent form; None for any other."""
    if not (text[4] == text[7] == "-" and text[10] == "T" and text[13] == text[16] == ":" and text[19:] == "+09:00"):
        return None
    try:
        at = dt.datetime.fromisoformat(text[:19])
    except ValueError:
        return None
    days = at.toordinal() - _EPOCH
    return days * _DAY + ((at.hour - 9) * 60 + at.minute) * _MINUTE + at.second * _SECOND


def _offset(offset: str | None, zone: dt.timezone) -> int:
    """Return how far ahead of UTC a zone is, in microseconds."""
    if offset == "Z":
        return 0
    if offset is None:
        return zone.utcoffset(None) // dt.timedelta(microseconds=1)
    minutes = int(offset[1:3]) * 60 + int(offset[4:6])
    return -minutes * _MINUTE if offset[0] == "-" else minutes * _MINUTE


def _days(year: int, month: str | None, day: str | None) -> int:
    """Return how many days a date of this precision lasts."""
    if day is not None:
        return 1
    if month is not None:
        return calendar.monthrange(year, int(month))[1]
    return 366 if calendar.isleap(year) else 365


def of_date(value: Any, *, zone: dt.timezone) -> list[Row]:
    """Return the row of a date, dateTime or instant; none if it is not one."""
    if type(value) is not str:
        return []
    try:
        return [interval(value, zone)]
    except InvalidValue:
        return []


def of_period(value: Any, *, zone: dt.timezone) -> list[Row]:
    """Return the row of a Period; an end it does not have is `MIN` or `MAX`."""
    if type(value) is not dict:
        return []
    start, end = of_date(value.get("start"), zone=zone), of_date(value.get("end"), zone=zone)
    if not start and not end:
        return []
    return [(start[0][0] if start else MIN, end[0][1] if end else MAX)]


def of_timing(value: Any, *, zone: dt.timezone) -> list[Row]:
    """Return the row of a Timing: the outer limits of its events and of the period it repeats in."""
    if type(value) is not dict:
        return []
    events, repeat = value.get("event"), value.get("repeat")
    rows = [row for event in events for row in of_date(event, zone=zone)] if type(events) is list else []
    if type(repeat) is dict:
        rows += of_period(repeat.get("boundsPeriod"), zone=zone)
    return [(min(lo for lo, _ in rows), max(hi for _, hi in rows))] if rows else []


def extractors(zone: dt.timezone) -> dict[str, Callable[[Any], list[Row]]]:
    """Return the extractors by FHIR type, for a region whose dates without a zone are meant in `zone`."""
    by_type = {
        "date": of_date,
        "dateTime": of_date,
        "instant": of_date,
        # A time that is described in words is no date; one that is written as a date is.
        "string": of_date,
        "Period": of_period,
        "Timing": of_timing,
    }
    return {type_name: partial(extractor, zone=zone) for type_name, extractor in by_type.items()}


def approximate(value: DateValue, now: int) -> Row:
    """Return what `ap` of a date covers: a tenth of the time between then and `now` more, at either end.

    Args:
        value: The date and its precision.
        now: Microseconds since 1970-01-01T00:00Z.
    """
    gap = max(now - value.hi, value.lo - now, 0) // 10
    return value.lo - gap, value.hi + gap


def parse(text: str, zone: dt.timezone = JST) -> DateValue:
    """Return the comparison that a prefix and a partial date ask for.

    Raises:
        InvalidValue: `text` is not a date with or without a prefix.
    """
    prefix, rest = split_prefix(text)
    return DateValue(prefix, *interval(rest, zone))
