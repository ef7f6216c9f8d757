"""A made store: so many patients, so many files, every kind; the same numbers give the same bytes."""

import argparse
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NO_DATE, NO_ORDER, Name, path_of
from benchmarks.ssmix2.messages import About, message

_ONCE = ("ADT-00", "ADT-61", "PPR-01")
_VISIT = ("ADT-12", "OMP-01", "OML-01", "OML-11", "OMG-01", "OMG-11", "OMG-03", "OMG-13")
_STAY = (
    *("ADT-21", "ADT-22", "ADT-01", "OMD", "OMP-02", "OMP-12", "OMP-11", "ADT-31", "ADT-32", "ADT-41", "ADT-42"),
    *("OMG-02", "OMG-12", "ADT-51", "ADT-52"),
)
_WITHOUT_ORDER = ("ADT", "PPR")
STAY_EVERY = 6
"""Of so many visits one is a stay."""

FIRST_DAY = date(2015, 4, 1)


def _days(patient: int) -> Iterator[tuple[date, str]]:
    """Yield the kinds of a patient's files, each with its day."""
    visit = 0
    while True:
        day = FIRST_DAY + timedelta(days=visit * 13 + patient % 13)
        for kind in _STAY if visit % STAY_EVERY == STAY_EVERY - 1 else _VISIT:
            yield day, kind
        visit += 1


def names(patient: int, count: int) -> Iterator[tuple[Name, bytes]]:
    """Yield the files of a patient, each with its bytes."""
    number = f"{patient:010d}"
    turn = 0
    for kind in _ONCE[:count]:
        occurred = f"20150401{8 + turn:02d}0000000"
        yield _file(kind, patient, number, NO_DATE, occurred, turn)
        turn += 1
    for day, kind in _days(patient):
        if turn >= count:
            return
        occurred = f"{day:%Y%m%d}{9 + turn % 9:02d}{turn % 60:02d}{patient % 60:02d}{turn % 1000:03d}"
        yield _file(kind, patient, number, f"{day:%Y%m%d}", occurred, turn)
        turn += 1


def _file(kind: str, patient: int, number: str, day: str, occurred: str, turn: int) -> tuple[Name, bytes]:
    order = NO_ORDER if kind.startswith(_WITHOUT_ORDER) else f"{patient:08d}{turn:07d}"
    name = Name(number, day, kind, order, occurred, "01", Flag.CURRENT)
    return name, message(About(kind, patient, number, day, occurred, order, patient * 31 + turn))


def make(root: Path, *, patients: int, files: int) -> int:
    """Write a store and return how many files it has; what is there already stays.

    Args:
        root: Where.
        patients: How many.
        files: How many in all, as evenly as they divide.
    """
    made = 0
    for patient in range(1, patients + 1):
        count = files // patients + (patient <= files % patients)
        for name, body in names(patient, count):
            path = root / path_of(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
            made += 1
    return made


def main() -> None:
    """Make a store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--patients", type=int, default=1_000)
    parser.add_argument("--files", type=int, default=200_000)
    arguments = parser.parse_args()
    print(f"{make(arguments.root, patients=arguments.patients, files=arguments.files)} files")


if __name__ == "__main__":
    main()
