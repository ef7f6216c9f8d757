"""A table of a master: rows of text, wherever they were read from, and what is wrong with them."""

from collections.abc import Iterator
from typing import NamedTuple

MOST_LISTED = 100
"""How many faulty rows are listed; all are counted."""


class UnknownLayout(Exception):
    """A file has not the layout of its master; the text names the line and the column."""


class Row(NamedTuple):
    """One row."""

    line: int
    """Where it begins in its file or sheet; the first line is 1."""
    cells: list[str]


class Table(NamedTuple):
    """A file, a member of an archive, or a sheet of a workbook."""

    place: str
    """What messages call it: `byomei517.zip: main/nmain517.txt`."""
    name: str
    """Its own name, without folders: `nmain517.txt`, or the sheet's."""
    rows: Iterator[Row]


class Faults:
    """The rows that cannot be taken.

    Attributes:
        count: How many there are.
        listed: The first of them, one sentence each.
    """

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[str] = []

    def add(self, place: str, line: int, words: str) -> None:
        """Take note of a row.

        Args:
            place: Its table.
            line: Its line.
            words: What is wrong, with the column's name.
        """
        self.count += 1
        if len(self.listed) < MOST_LISTED:
            self.listed.append(f"{place}, line {line}: {words}")
