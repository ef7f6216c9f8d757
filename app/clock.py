"""Time and row numbers, injected so that tests choose them."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

DAY = 86_400_000_000
"""A day in microseconds."""

_JAPAN = timezone(timedelta(hours=9), "JST")

Clock = Callable[[], int]
"""A function that returns the present as microseconds since 1970 UTC."""

_ROW_EPOCH_MILLISECONDS = 1_735_689_600_000
"""2025-01-01: row numbers count from here, so that 42 bits of milliseconds last until 2164."""


def now() -> int:
    """Return the present as microseconds since 1970 UTC."""
    return time.time_ns() // 1000


@lru_cache(maxsize=64)
def instant(microseconds: int) -> str:
    """Return `microseconds` since 1970 UTC as a FHIR instant with milliseconds: `2026-04-01T09:00:00.000Z`."""
    moment = EPOCH + timedelta(microseconds=microseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{microseconds // 1000 % 1000:03d}Z"


def in_japan(microseconds: int) -> str:
    """Return `microseconds` since 1970 UTC in Japan's time, to the second: `2026-04-01T18:00:00+09:00`."""
    return (EPOCH + timedelta(microseconds=microseconds)).astimezone(_JAPAN).isoformat(timespec="seconds")


def row_at(microseconds: int) -> int:
    """Return the lowest row number that could be given at an instant in microseconds since 1970 UTC; 0 at least."""
    milliseconds = microseconds // 1000 - _ROW_EPOCH_MILLISECONDS
    return min(max(milliseconds, 0), (1 << 42) - 1) << 21


def row_time(row: int) -> int:
    """Return when a row number was given, in microseconds since 1970 UTC."""
    return ((row >> 21) + _ROW_EPOCH_MILLISECONDS) * 1000


class RowNumbers:
    """Numbers rows: 42 bits of milliseconds, 10 bits of process, 11 bits of counter; ever increasing in a process.

    Args:
        process: The number of this process, of which the lowest ten bits count.
        clock: The present in microseconds.
    """

    def __init__(self, process: int, clock: Clock = now) -> None:
        self._process = (process & 0x3FF) << 11
        self._clock = clock
        self._last = 0
        self._counter = 0

    def __call__(self) -> int:
        """Return the next row number, a positive 63-bit integer."""
        millisecond = self._clock() // 1000 - _ROW_EPOCH_MILLISECONDS
        if millisecond > self._last:
            self._last, self._counter = millisecond, 0
        elif self._counter == 0x7FF:
            self._last, self._counter = self._last + 1, 0
        else:
            self._counter += 1
        return (self._last << 21) | self._process | self._counter
