"""What a made file is called: only characters that a store's names have, and no name twice."""

import re

from app.exchange.hl7v2.from_fhir.written import Written
from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NO_ORDER, Name

_NUMBER = re.compile(r"[A-Za-z0-9-]{1,64}")
_ORDER = re.compile(r"[A-Za-z0-9-]{1,15}")
_DEPARTMENT = re.compile(r"[A-Za-z0-9]{1,16}")


def can_name(number: str) -> bool:
    """Return whether a patient's number can be a folder of a store."""
    return _NUMBER.fullmatch(number) is not None and number != "-"


def order_of(number: str) -> str:
    """Return an order's number as a name has it; one that no name can have is none."""
    return number if _ORDER.fullmatch(number) else NO_ORDER


def name_of(patient: str, written: Written, taken: set[str]) -> Name:
    """Return the name of a message's file, which is then taken; a second one of the same instant is a moment later."""
    unit = written.department if _DEPARTMENT.fullmatch(written.department) else "-"
    return free_name(patient, (written.day, written.kind, written.order, written.occurred, unit), taken)


def free_name(patient: str, parts: tuple[str, str, str, str, str], taken: set[str]) -> Name:
    """Return the name of a patient's day, kind, order, instant and department, or the next that is not taken."""
    day, kind, order, occurred, unit = parts
    instant = int(occurred)
    while True:
        name = Name(patient, day, kind, order_of(order), f"{instant:017d}", unit, Flag.CURRENT)
        if name.without_flag not in taken:
            taken.add(name.without_flag)
            return name
        instant += 1
