"""The names of a store: `患者ID_診療日_データ種別_オーダNo_発生日時_診療科_フラグ`, and the folders above them.

SS-MIX2 標準化ストレージ 構成の説明と構築のガイドライン 1.2; an extended store names its content folders alike.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from app.exchange.ssmix2.kinds import Flag

NO_ORDER = "9" * 15
"""Stands where a message is about no order."""

NO_DATE = "-"
"""Stands where what a message says is of no day: who the patient is, allergies, diseases."""

_NAME = re.compile(
    r"(?P<patient>[^_/\\]{1,64})_(?P<day>[0-9]{8}|-)_(?P<kind>[^_/\\]{1,180})_(?P<order>[^_/\\]{1,64})"
    r"_(?P<occurred>[0-9]{8,20})_(?P<department>[^_/\\]{1,16})_(?P<flag>[012])"
)
_OF_EXTENDED_WITHOUT_DEPARTMENT = re.compile(
    r"(?P<patient>[^_/\\]{1,64})_(?P<day>[0-9]{8}|-)_(?P<kind>[^_/\\]{1,180})_(?P<order>[^_/\\]{1,64})"
    r"_(?P<occurred>[0-9]{8,20})_(?P<flag>[012])"
)
_SHORTEST = 6
"""Characters of a patient's number that make the two folders above it."""


class NotOfAStore(ValueError):
    """A path that no store has; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Name:
    """What the name of a file, or of a content folder of an extended store, says."""

    patient: str
    day: str
    """`YYYYMMDD`, or `-`."""
    kind: str
    """One of `KINDS`, or what an extended store calls it."""
    order: str
    """The number of an order; `NO_ORDER` when there is none. Of an extended store: 特定キー."""
    occurred: str
    """発生日時: `YYYYMMDDHHMMSSFFF`."""
    department: str
    """Its code, or `-`."""
    flag: Flag

    @property
    def without_flag(self) -> str:
        """What stays the same when the file is renamed since it was replaced or deleted."""
        return f"{self.patient}_{self.day}_{self.kind}_{self.order}_{self.occurred}_{self.department}"

    @property
    def slot(self) -> str:
        """What the file shares with those that it replaces: its order, or what it is about where there is none."""
        parts = (self.day, self.kind, self.order)
        if self.order != NO_ORDER:
            return "_".join(parts)
        # Two visits of a day have no numbers; each replaces only itself.
        return "_".join((*parts, self.department, "" if self.day == NO_DATE else self.occurred))

    @property
    def instant(self) -> int:
        """発生日時 as a number of 17 digits, that grows with time."""
        return int(self.occurred[:17].ljust(17, "0"))

    def __str__(self) -> str:
        return f"{self.without_flag}_{int(self.flag)}"


def read_name(text: str) -> Name:
    """Return what a name says.

    Raises:
        NotOfAStore: it is not of the form, or a day of it is none.
    """
    match = _NAME.fullmatch(text) or _OF_EXTENDED_WITHOUT_DEPARTMENT.fullmatch(text)
    if match is None:
        raise NotOfAStore(f"the name {text[:100]!r} does not have the seven parts of a store's names")
    parts = {"department": NO_DATE, **match.groupdict()}
    for label, digits in (("診療日", parts["day"]), ("発生日時", parts["occurred"][:8])):
        if digits != NO_DATE and not _is_day(digits):
            raise NotOfAStore(f"{label} {digits} of the name is no day")
    flag = Flag(int(parts.pop("flag")))
    return Name(**parts, flag=flag)


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return True


def folders_of(patient: str) -> tuple[str, str, str]:
    """Return the three folders of a patient: characters 1 to 3 of the number, 4 to 6, and the whole."""
    return patient[:3], patient[3:_SHORTEST] or NO_DATE, patient


def path_of(name: Name) -> str:
    """Return where a file lies below the root of its store."""
    return "/".join((*folders_of(name.patient), name.day, name.kind, str(name)))


def same_patient(one: str, other: str) -> bool:
    """Return whether two numbers are those of one patient: some systems write zeros before them, others do not."""
    return one == other or (one.lstrip("0") == other.lstrip("0") != "")


@dataclass(frozen=True, slots=True)
class Place:
    """A file of a store, by its path."""

    name: Name
    folder: str
    """The folder of its kind, which of an extended store says more than the name."""


def read_path(path: str, *, extended: bool = False) -> Place:
    """Return what a path below the root of a store says.

    Args:
        path: With `/` between its parts: the file, or the content folder of an extended store.
        extended: Whether the store is an extended one, where the folder of the kind has a name of its own.

    Raises:
        NotOfAStore: it is of no such form, or a folder does not say what the name says.
    """
    parts = PurePosixPath(path).parts
    if len(parts) != 6 or ".." in parts:
        raise NotOfAStore("the path does not have the five folders of a store")
    if not path.isprintable():
        raise NotOfAStore("the path has characters that no name of a store has")
    first, second, number, day, kind, last = parts
    name = read_name(last)
    if not same_patient(number, name.patient):
        raise NotOfAStore(f"the folder of patient {number} holds a file of patient {name.patient}")
    if not _leads_to(first, second, number):
        raise NotOfAStore(f"the folders {first}/{second} are not those of patient {number}")
    if day != name.day:
        raise NotOfAStore(f"the folder of {day} holds a file of {name.day}")
    if kind != name.kind and not (extended and _same_kind(kind, name.kind)):
        raise NotOfAStore(f"the folder of {kind} holds a file of {name.kind}")
    return Place(name, kind)


def _leads_to(first: str, second: str, number: str) -> bool:
    """Return whether two folders are those of a number, which may be shorter than they need, or padded."""
    padded = number.rjust(_SHORTEST, "0")
    choices = {folders_of(number)[:2], folders_of(padded)[:2], (number[:3], number[3:_SHORTEST])}
    return (first, second) in choices


def _same_kind(folder: str, kind: str) -> bool:
    return kind.split("^")[0] in {folder, folder.split("^")[0], *folder.split("^")[3:4]}
