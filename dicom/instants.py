"""A date and a time of a data set as an instant, for the clinical date of its rows.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.12.html#sect_C.12.1.1.8
"""

import re
from datetime import UTC, datetime, timedelta

_OFFSET = re.compile(r"([+-])([0-9]{2})([0-9]{2})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(date: str, time: str, offset: str, *, default_offset_minutes: int) -> int | None:
    """Return the instant of a date and time, in microseconds since 1970 UTC.

    Args:
        date: YYYYMMDD, as `StudyFacts` holds it; may be empty.
        time: HHMMSS with or without a fraction; empty counts as midnight.
        offset: Timezone Offset From UTC, `+0900`; empty or malformed counts as the default.
        default_offset_minutes: Of the clocks of the site, east of Greenwich: 540 in Japan.

    Returns:
        None when there is no date, or none that the calendar knows.
    """
    if len(date) != 8:
        return None
    try:
        day = datetime(int(date[:4]), int(date[4:6]), int(date[6:]), tzinfo=UTC)
    except ValueError:
        return None
    # 60 is a leap second, which is the next minute's first instant (PS3.5 6.2).
    hours, minutes, seconds = (int(time[n : n + 2] or 0) for n in (0, 2, 4))
    fraction = int(time[7:13].ljust(6, "0") or 0)
    local = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=fraction)
    return (day - _EPOCH + local - timedelta(minutes=_minutes(offset, default_offset_minutes))) // _MICROSECOND


def _minutes(offset: str, default: int) -> int:
    found = _OFFSET.fullmatch(offset)
    if found is None:
        return default
    minutes = int(found[2]) * 60 + int(found[3])
    return -minutes if found[1] == "-" else minutes
