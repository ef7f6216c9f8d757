"""Doses of radiation out of a report: totals, and each irradiation or administration.

CT is TID 10011 to 10013, projection radiography and fluoroscopy TID 10001 to 10003, radiopharmaceuticals TID 10021.
https://dicom.nema.org/medical/dicom/current/output/chtml/part16/sect_RadiationDose.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from dicom.reports.content import Item, Report

MOST_EVENTS = 2_000
"""Of one report; a long intervention has several hundred."""

_FACTORS = {
    "mGy.cm": {"mGy.cm": 0, "Gy.cm": 3, "mGycm": 0},
    "mGy": {"mGy": 0, "Gy": 3, "uGy": -3, "dGy": 2, "cGy": 1},
    "Gy": {"Gy": 0, "mGy": -3, "cGy": -2, "dGy": -1, "uGy": -6},
    "Gy.m2": {
        "Gy.m2": 0,
        "dGy.m2": -1,
        "cGy.m2": -2,
        "mGy.m2": -3,
        "uGy.m2": -6,
        "Gy.cm2": -4,
        "dGy.cm2": -5,
        "cGy.cm2": -6,
        "mGy.cm2": -7,
        "uGy.cm2": -10,
    },
    "s": {"s": 0, "ms": -3},
    "mSv": {"mSv": 0, "Sv": 3, "uSv": -3},
    "MBq": {"MBq": 0, "kBq": -3, "Bq": -6, "GBq": 3},
    "kV": {"kV": 0, "V": -3},
    "mA": {"mA": 0, "uA": -3, "A": 3},
    "mm": {"mm": 0, "cm": 1, "m": 3},
}
"""From the unit that is kept to those in which it is written, as powers of ten (UCUM)."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit: the one of `TOTALS` or `NUMBERS`, or the sender's where it cannot be turned into that."""

    value: Decimal
    unit: str
    """UCUM."""


@dataclass(frozen=True, slots=True)
class Total:
    """A sum that the report states, of one plane, breast or tube."""

    code: str
    """Of DCM, one of `TOTALS`."""
    meaning: str
    quantity: Quantity
    of: str = ""
    """The plane or the breast, in words."""


@dataclass(frozen=True, slots=True)
class Event:
    """One irradiation, or one administration."""

    kind: str
    """`ct`, `projection` or `administration`."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By the names of `TEXTS`."""
    numbers: Mapping[str, Quantity] = field(default_factory=dict)
    """By the names of `NUMBERS`."""


@dataclass(frozen=True, slots=True)
class Dose:
    """What a dose report says."""

    totals: tuple[Total, ...]
    events: tuple[Event, ...]
    is_cut: bool
    """Whether it has more events than are read."""

    def largest(self, name: str) -> Quantity | None:
        """Return the largest of a number among the events, or None when none of them has it in its unit."""
        unit = NUMBERS_BY_NAME[name]
        found = [one.numbers[name] for one in self.events if name in one.numbers and one.numbers[name].unit == unit]
        return max(found, key=lambda one: one.value, default=None)

    def total(self, code: str) -> Quantity | None:
        """Return the sum of a total over its planes; None when it is not stated, or in units that do not add up."""
        found = [one.quantity for one in self.totals if one.code == code]
        if not found or len({one.unit for one in found}) > 1:
            return None
        return Quantity(sum((one.value for one in found), Decimal(0)), found[0].unit)


TOTALS = {
    "113812": "{events}",
    "113813": "mGy.cm",
    "113722": "Gy.m2",
    "113725": "Gy",
    "113726": "Gy.m2",
    "113728": "Gy",
    "113727": "Gy.m2",
    "113729": "Gy",
    "113730": "s",
    "113731": "{frames}",
    "111637": "mGy",
}
"""Stated sums, and their units: number of events, DLP, DAP and dose at the reference point (all, fluoroscopy,
acquisition), fluoroscopy time, frames, glandular dose."""

_CT, _PROJECTION, _ADMINISTRATION = "113819", "113706", "113502"
EVENTS = {_CT: "ct", _PROJECTION: "projection", _ADMINISTRATION: "administration"}

TEXTS = {
    "113769": "uid",
    "125203": "protocol",
    "123014": "region",
    "113820": "type",
    "113721": "type",
    "113764": "plane",
    "111526": "started",
    "123003": "started",
    "113835": "phantom",
    "113780": "reference_point",
    "111031": "view",
    "349358000": "agent",
    "F-61FDB": "agent",
    "410675002": "route",
    "G-C340": "route",
}
"""What is read of an event in words, by the code of the concept."""

NUMBERS = {
    "113830": ("ctdivol", "mGy"),
    "113838": ("dlp", "mGy.cm"),
    "113930": ("ssde", "mGy"),
    "113839": ("effective_dose", "mSv"),
    "113733": ("kvp", "kV"),
    "113734": ("current", "mA"),
    "113825": ("length", "mm"),
    "113828": ("pitch", "1"),
    "122130": ("dap", "Gy.m2"),
    "113738": ("reference_dose", "Gy"),
    "111631": ("glandular_dose", "mGy"),
    "113507": ("activity", "MBq"),
}
"""What is read of an event in numbers: its name and unit, by the code of the concept."""

NUMBERS_BY_NAME = dict(NUMBERS.values())


def quantity(item: Item, unit: str) -> Quantity | None:
    """Return a measurement in a unit; in the sender's when it cannot be turned; None when there is no number."""
    try:
        value = Decimal(item.value)
    except InvalidOperation:
        return None
    # A number of a thousand digits is none that was measured.
    if not value.is_finite() or abs(value.adjusted()) > 30 or len(item.value) > 40:
        return None
    written = item.unit.value
    power = _FACTORS.get(unit, {}).get(written)
    if power is not None:
        return Quantity(plain(value.scaleb(power)), unit)
    same = not written or written == unit or unit in ("1", "{events}", "{frames}")
    return Quantity(plain(value), unit if same else written[:32])


def plain(value: Decimal) -> Decimal:
    """Return a number without zeros at the end of its fraction, not in powers of ten."""
    return Decimal(f"{value.normalize():f}")


def read_dose(report: Report) -> Dose:
    """Return the doses of a report."""
    events: list[Event] = []
    is_cut = report.is_cut
    for one in _events(report.root):
        if len(events) == MOST_EVENTS:
            is_cut = True
            break
        events.append(_event(one))
    return Dose(tuple(_totals(report.root, "")), tuple(events), is_cut)


def _events(item: Item) -> Iterator[Item]:
    """Yield the containers of events, none within another."""
    for one in item.items:
        if one.concept.value in EVENTS and one.value_type == "CONTAINER":
            yield one
        else:
            yield from _events(one)


def _event(container: Item) -> Event:
    texts: dict[str, str] = {}
    numbers: dict[str, Quantity] = {}
    for one in container.walk():
        if (name := TEXTS.get(one.concept.value)) is not None:
            texts.setdefault(name, one.code.meaning or one.value)
        elif (known := NUMBERS.get(one.concept.value)) is not None:
            found = quantity(one, known[1])
            if found is not None:
                numbers.setdefault(known[0], found)
    return Event(EVENTS[container.concept.value], texts, numbers)


_OF = {"113764", "272741003", "G-C171"}
"""Acquisition plane, laterality: what a sum is of."""


def _totals(item: Item, of: str) -> Iterator[Total]:
    """Yield the sums of a container and of those within it that are no events."""
    of = next((one.code.meaning for one in item.items if one.concept.value in _OF), of)
    for one in item.items:
        unit = TOTALS.get(one.concept.value)
        if one.value_type == "NUM" and unit is not None:
            found = quantity(one, unit)
            if found is not None:
                side = next((each.code.meaning for each in one.items if each.concept.value in _OF), of)
                yield Total(one.concept.value, one.concept.meaning, found, side)
        elif one.concept.value not in EVENTS:
            yield from _totals(one, of)
