"""The events of a dose report as a table and as a file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.comma import comma_separated
from app.portal.studies.shown import shown_quantity
from dicom.reports.dose import NUMBERS_BY_NAME, Dose, Event

TEXTS = ("protocol", "region", "type", "plane", "started", "phantom", "agent")
NUMBERS = (
    *("kvp", "current", "length", "pitch", "ctdivol", "dlp", "ssde", "effective_dose", "dap", "reference_dose"),
    *("glandular_dose", "activity"),
)
"""The columns of a table of events, as far as a report has them."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of events."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def dose_rows(dose: Dose) -> Rows:
    """Return the events of a report as a table with the columns that any of them fills."""
    columns = [
        *(name for name in TEXTS if any(one.texts.get(name) for one in dose.events)),
        *(name for name in NUMBERS if any(name in one.numbers for one in dose.events)),
    ]
    return Rows(columns, [[_cell(one, name) for name in columns] for one in dose.events])


def _cell(event: Event, name: str) -> str:
    if name in event.numbers:
        return shown_quantity(event.numbers[name])
    found = event.texts.get(name, "")
    digits = found[:14]
    if name == "started" and len(digits) >= 12 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}"
    return found


def events_csv(doses: Iterable[tuple[str, Dose]]) -> str:
    """Return events as comma-separated values: UID of the report, kind, texts, numbers in the units of their heads."""
    head = ["report", "event", *TEXTS, *(f"{name} ({NUMBERS_BY_NAME[name]})" for name in NUMBERS)]
    lines = [
        [uid, one.kind, *(one.texts.get(name, "") for name in TEXTS), *(_number(one, name) for name in NUMBERS)]
        for uid, dose in doses
        for one in dose.events
    ]
    return comma_separated(lines, head)


def _number(event: Event, name: str) -> str:
    found = event.numbers.get(name)
    if found is None:
        return ""
    return f"{found.value:f}" if found.unit == NUMBERS_BY_NAME[name] else f"{found.value:f} {found.unit}"
