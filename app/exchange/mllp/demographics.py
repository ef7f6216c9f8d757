"""The parameters of a demographics query, as a search for Patients asks them. HL7 v2.5, 5.9.1; ITI-21, table 3.21-2."""

import re
from collections import defaultdict
from collections.abc import Sequence

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.mllp.acknowledge import MISSING, TABLE, TYPE, refused
from app.exchange.mllp.authority import system_of
from app.exchange.mllp.visit import Visit

_NAME = re.compile(r"@PID\.([0-9]{1,2})(?:\.([0-9]{1,2}))?(?:\.([0-9]{1,2}))?")
_DATE = re.compile(r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})[0-9]*)?)?")
_SPECIAL = re.compile(r"([\\,|$])")

_GENDERS = {"M": "male", "F": "female", "O": "other", "A": "other", "N": "other", "U": "unknown"}

_STRINGS = {
    (5, 1): "family",
    (5, 2): "given",
    (11, 1): "address",
    (11, 3): "address-city",
    (11, 4): "address-state",
    (11, 5): "address-postalcode",
    (11, 6): "address-country",
}
"""By field and component of PID."""

_PHONE = 13
LONGEST = 200
"""Characters of a value."""


def escaped(text: str) -> str:
    """Return a value in which nothing parts values."""
    return _SPECIAL.sub(r"\\\1", text)


def asked(visit: Visit, query: Segment) -> list[tuple[str, str]]:
    """Return what QPD-3 asks for, as parameters of a search for Patients.

    Raises:
        Refused: it asks for nothing, or for what is not known here.
    """
    pairs: list[tuple[str, str]] = []
    numbers: dict[tuple[int, ...], dict[int, tuple[int, str]]] = defaultdict(dict)
    for number, one in enumerate(query.repetitions(3), start=1):
        name, value = one.text(1).strip(), one.text(2).strip()
        found = _NAME.fullmatch(name)
        if found is None:
            raise refused(TABLE, f"{name[:40]!r} is no parameter of this query", "QPD", 1, 3, number)
        if not value:
            continue
        if len(value) > LONGEST:
            raise refused(TYPE, f"A value has at most {LONGEST} characters", "QPD", 1, 3, number)
        field, component = int(found[1]), int(found[2] or 1)
        if field in (3, 18):
            numbers[(field,)][component * 10 + (int(found[3] or 1) if component > 1 else 1)] = (number, value)
        else:
            pairs.append(_pair(field, component, value, number))
    pairs += [("identifier", _identifier(visit, field, parts)) for (field,), parts in numbers.items()]
    if not pairs:
        raise refused(MISSING, "QPD-3 asks for nothing", "QPD", 1, 3)
    return pairs


def _pair(field: int, component: int, value: str, number: int) -> tuple[str, str]:
    if field == 7 and component == 1:
        return "birthdate", _date(value, number)
    if field == 8 and component == 1:
        if value not in _GENDERS:
            raise refused(TABLE, f"{value[:10]!r} is no sex of table 0001", "QPD", 1, 3, number)
        return "gender", _GENDERS[value]
    if field == _PHONE:
        return "phone", escaped(value)
    name = _STRINGS.get((field, component))
    if name is None:
        raise refused(TABLE, f"PID-{field}.{component} is not asked for here", "QPD", 1, 3, number)
    begin = value.rstrip("*")
    if "*" in begin or not begin:
        raise refused(TYPE, "A * stands at the end of a value, after at least one character", "QPD", 1, 3, number)
    return name, escaped(begin)


def _date(value: str, number: int) -> str:
    found = _DATE.fullmatch(value)
    if found is None:
        raise refused(TYPE, f"{value[:20]!r} is no date", "QPD", 1, 3, number)
    return "-".join(part for part in found.groups() if part)


def _identifier(visit: Visit, field: int, parts: dict[int, tuple[int, str]]) -> str:
    """Return a token of the parts of PID-3 or PID-18: 1 the number, 4.1 to 4.3 its authority."""
    if 11 not in parts:
        raise refused(MISSING, f"PID-{field}.1, the number, is missing", "QPD", 1, 3, *_places(parts))
    value = escaped(parts[11][1])
    stated = "&".join(parts.get(40 + part, (0, ""))[1].replace("&", "") for part in (1, 2, 3))
    if not stated.strip("&"):
        return value
    system = system_of(Repetition(f"^^^{stated}", visit.message.separators.__class__()), 4, visit.source)
    if not system:
        raise refused(TABLE, f"The authority of PID-{field} is none", "QPD", 1, 3, *_places(parts))
    return f"{escaped(system)}|{value}"


def _places(parts: dict[int, tuple[int, str]]) -> Sequence[int]:
    return [number for number, _ in parts.values()][:1]
