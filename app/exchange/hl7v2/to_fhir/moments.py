"""Points of time: HL7's YYYYMMDDHHMMSS as FHIR writes them, as exact as they were given.

HL7 2.5 section 2.A.77 (TS); https://hl7.org/fhir/R4/datatypes.html#dateTime
"""

import re
from datetime import date, time
from functools import lru_cache

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.draft import Draft

_MOMENT = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d)?(\.\d{1,9})?([+-]\d{4})?")


@lru_cache(maxsize=16384)
def moment(text: str, zone: str) -> str | None:
    """Return a FHIR dateTime, `""` for none, None for what is no point of time.

    Args:
        text: As HL7 writes it; an hour without minutes is taken as the full hour.
        zone: The offset where the text has none.
    """
    text = text.strip()
    if not text:
        return ""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, odd, fraction, offset = found.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
        time(int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return None
    if odd:
        return None
    made = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return made
    offset = f"{offset[:3]}:{offset[3:]}" if offset else zone
    return f"{made}T{hour}:{minute or '00'}:{second or '00'}{(fraction or '')[:7] if second else ''}{offset}"


def moment_of(draft: Draft, segment: Segment | None, field: int, component: int = 1, subcomponent: int = 1) -> str:
    """Return a field as a FHIR dateTime, empty where there is none; what is none is reported."""
    if segment is None:
        return ""
    text = segment.text(field, component, subcomponent)
    if not text:
        return ""
    made = moment(text, draft.source.zone)
    if made is not None:
        return made
    draft.report(segment, field, f"{text!r} is no point of time")
    return ""


def day(made: str) -> str:
    """Return the date of a FHIR dateTime, as exact as it is."""
    return made[:10]


def instant(made: str) -> str:
    """Return a FHIR dateTime that is an instant, empty when it is less exact."""
    return made if "T" in made else ""


def compact(made: str) -> str:
    """Return the date of a FHIR dateTime as eight digits at most."""
    return made[:10].replace("-", "")
