"""DT values, and ranges of them, as instants of UTC.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_6.2.html and PS3.4 C.2.2.2.5.3
"""

import re
from datetime import UTC, datetime, timedelta

from dicom.instants import JAPAN_MINUTES, minutes_of, since_epoch

_DATE_TIME = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.([0-9]{1,6}))?)?)?)?)?)?"
    r"([+-][0-9]{4})?"
)
_EARLIEST, _LATEST = -(2**62), 2**62
_EAST, _WEST = 14 * 60, -12 * 60
"""Minutes: what is outside of these is no offset (PS3.5 6.2), but may be the year that ends a range."""


class NotAMoment(ValueError):
    """The text is no date-time."""


def moment(text: str, default_offset: str = "") -> tuple[int, int]:
    """Return what a date-time covers, first and last microsecond since 1970 UTC: 2024 is a whole year.

    Args:
        text: A DT value.
        default_offset: The Timezone Offset From UTC that holds for it when it names none; empty for Japan's.

    Raises:
        NotAMoment: it is no DT value, or the calendar does not know it.
    """
    found = _DATE_TIME.fullmatch(text.strip())
    if found is None or not _is_offset(found[8]):
        raise NotAMoment(text)
    *parts, offset = found.groups()
    year, month, day, hour, minute, second, fraction = parts
    shift = timedelta(minutes=minutes_of(offset or default_offset, JAPAN_MINUTES))
    try:
        # 60 is a leap second, which is the next minute's first instant.
        begin = datetime(int(year or 0), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), tzinfo=UTC)
        begin += timedelta(seconds=int(second or 0), microseconds=int((fraction or "").ljust(6, "0")))
        first = since_epoch(begin - shift)
    except (ValueError, OverflowError) as error:
        raise NotAMoment(text) from error
    try:
        end = begin + _length(begin, sum(one is not None for one in parts), len(fraction or ""))
        return first, since_epoch(end - shift) - 1
    except (ValueError, OverflowError):
        # The end of 9999, which stands for ever: the calendar has no day after it.
        return first, _LATEST


def _is_offset(offset: str | None) -> bool:
    return not offset or _WEST <= minutes_of(offset, 0) <= _EAST


def _length(begin: datetime, parts: int, digits: int) -> timedelta:
    """Return how long that lasts which a value of so many parts names, with so many digits of a second's fraction."""
    if parts == 1:
        return begin.replace(year=begin.year + 1) - begin
    if parts == 2:
        return begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1) - begin
    if parts == 7:
        return timedelta(microseconds=10 ** (6 - digits))
    return (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))[parts - 3]


def range_of(text: str) -> tuple[int, int]:
    """Return the first and the last microsecond of a value or a range of a query.

    A hyphen before four digits is an offset where they can be one, and divides a range otherwise: `2023-0500` is a
    year in New York, `2023-2024` are two.

    Raises:
        NotAMoment: it is none.
    """
    compact = re.sub(r"\s*-\s*", "-", text.strip())
    if compact.startswith("-"):
        return _EARLIEST, moment(compact[1:])[1]
    found = _DATE_TIME.match(compact)
    if found is None:
        raise NotAMoment(text)
    rest, offset = compact[found.end() :], found[8]
    if not _is_offset(offset):
        rest = compact[found.start(8) :]
    low, last = moment(compact[: len(compact) - len(rest)])
    if not rest:
        return low, last
    if not rest.startswith("-"):
        raise NotAMoment(text)
    return low, moment(rest[1:])[1] if len(rest) > 1 else _LATEST
