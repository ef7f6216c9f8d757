"""The kinds of flags, and what of an access decides which: hours and days in Japan, what is opened, what only found."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from app.audit.record import Event
from app.clock import DAY
from app.comma import parts

BREAK_GLASS, VIP, COLLEAGUE, FAMILY_NAME, MANY_PATIENTS, MANY_PEOPLE, OUT_OF_HOURS, FIRST_ACCESS = KINDS = (
    *("break-glass", "vip", "colleague", "family-name", "many-patients", "many-people", "out-of-hours"),
    "first-access",
)

_JAPAN = 9 * 3_600_000_000
"""Japan is so many microseconds before UTC, all year."""

OPENED = frozenset(
    {
        *("read", "vread", "history-instance", "history-type", "history-system", "search", "search-type"),
        *("search-system", "operation", "wado", "qido", "export", "print"),
    }
)
"""Interactions by which somebody looks at a patient's record."""

FINDING = (
    "/patients",
    "/consents",
    "/identity",
    "/watched",
    "/fhir/Patient",
    "/fhir/Patient/_search",
    "/fhir/Patient/$match",
)
"""Addresses that find patients: whoever looks for a name is shown others of that name, and has opened no record."""


def _asked(event: Event) -> list[tuple[str, str]]:
    return parse_qsl(event.query or "", keep_blank_values=True)


def is_finding(event: Event) -> bool:
    """Return whether an access found patients by their names, and brought no more than their names along."""
    brings = any(name.partition(":")[0] == "_revinclude" for name, _ in _asked(event))
    return event.path in FINDING and not brings


def _is_office_work(event: Event) -> bool:
    """Return whether an access shows nothing of a chart: why a record is seen, or a person's own log on paper."""
    if event.interaction == "print":
        pages = [value for name, value in _asked(event) if name == "page"]
        return any(urlsplit(page).path.split("/")[1:2] == ["own-log"] for page in pages)
    path = event.path or ""
    return event.interaction == "operation" and (path == "/explain" or path.endswith("/$explain"))


def day_of(recorded: int) -> int:
    """Return the day in Japan of an instant in microseconds since 1970 UTC, counted from 1970."""
    return (recorded + _JAPAN) // DAY


def minute_of(recorded: int) -> int:
    """Return the minute of the day in Japan."""
    return (recorded + _JAPAN) % DAY // 60_000_000


def is_opened(event: Event) -> bool:
    """Return whether a person has opened a patient's record: not a system, a refusal, a list of names."""
    return (
        event.user is not None
        and event.patient is not None
        and event.outcome == "0"
        and event.interaction in OPENED
        and not is_finding(event)
        and not _is_office_work(event)
    )


def hours_of(setting: str) -> tuple[int, int]:
    """Return the minutes of the day at which usual hours begin and end: `6-22` is (360, 1320).

    Raises:
        ValueError: it is not of that form.
    """
    first, dash, last = setting.partition("-")
    if not dash or not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        raise ValueError(f"hours are written 6-22, not {setting!r}")
    begins, ends = int(first), int(last)
    if not 0 <= begins < ends <= 24:
        raise ValueError(f"hours are written 6-22, not {setting!r}")
    return begins * 60, ends * 60


def kinds_of(setting: str) -> Sequence[str]:
    """Return the kinds of a setting, parted by commas; `none` is none.

    Raises:
        ValueError: there is no such kind.
    """
    if setting == "none":
        return ()
    found = parts(setting)
    unknown = [one for one in found if one not in KINDS]
    if unknown:
        raise ValueError(f"kinds of flags are {', '.join(KINDS)}; not {', '.join(unknown)}")
    return found
