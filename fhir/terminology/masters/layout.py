"""The layout of a table: its columns, found by the names of a header line or else by their places.

A header may stand below a title, and names differ in width, hyphens and case between editions (`ＩＣＤ１０‐２０１３`,
`ICD10ー2013`), so they are compared folded. Tables without a header are recognised by the number of their columns and
the form of their first row.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice

from fhir.terminology.masters.table import Faults, Row, Table, UnknownLayout

HEAD = 20
"""In how many lines a header is looked for."""
MOST_CHARACTERS = 2_000
"""The longest cell that is taken."""
SHOWN = 30
"""So much of a wrong cell is shown."""

_HYPHENS = re.compile("[\u2010-\u2015\u2212\u30fc\u2500]")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is read."""

    key: str
    """Our word for it."""
    name: str
    """The publisher's word."""
    form: str = ""
    """The regular expression that a value matches as a whole, its digits ASCII ones; empty for any text."""
    at: int = -1
    """Its place where there is no header line; the first column is 0."""
    needed: bool = True
    """Whether a value must be there."""
    other_names: tuple[str, ...] = ()


class Layout:
    """How the rows of one table are read."""

    def __init__(self, *columns: Column, named: str = "", width: int = 0) -> None:
        """Describe a table.

        Args:
            columns: The columns that are read; others may be there.
            named: A regular expression that the publisher's name of the file begins with, ignoring case.
            width: How many columns a table without a header line has; 0 where it always has one.
        """
        self.columns = columns
        self.width = width
        self._named = re.compile(named, re.IGNORECASE) if named else None
        self._forms = [re.compile(one.form, re.ASCII) if one.form else None for one in columns]
        self._names = [{fold(name) for name in (one.name, *one.other_names)} for one in columns]

    def named(self, table: Table) -> bool:
        """Return whether the table has the name that its publisher gives it."""
        return self._named is not None and self._named.match(table.name) is not None

    def find(self, head: list[Row], place: str) -> tuple[int, list[int]]:
        """Return how many rows of the head are above the data, and the place of each column.

        Raises:
            UnknownLayout: this is another table.
        """
        best: tuple[int, Row, list[str]] | None = None
        for number, row in enumerate(head, start=1):
            cells = {fold(cell): at for at, cell in reversed(list(enumerate(row.cells)))}
            at = [next((cells[name] for name in names if name in cells), -1) for names in self._names]
            missing = [one.name for one, found in zip(self.columns, at, strict=True) if found < 0]
            if not missing:
                return number, at
            if len(missing) < len(at) and (best is None or len(missing) < len(best[2])):
                best = number, row, missing
        if best is not None and len(head[0].cells) != self.width:
            raise UnknownLayout(f"{place}, line {best[1].line}: there is no column {best[2][0]}")
        return 0, self._without_header(head, place)

    def _without_header(self, head: list[Row], place: str) -> list[int]:
        if not head:
            raise UnknownLayout(f"{place}: the table is empty")
        first = head[0]
        if not self.width:
            names = ", ".join(one.name for one in self.columns)
            raise UnknownLayout(f"{place}, line {first.line}: none of the first {HEAD} lines names the columns {names}")
        if len(first.cells) != self.width:
            words = f"{self.width} columns are expected, there are {len(first.cells)}"
            raise UnknownLayout(f"{place}, line {first.line}: {words}")
        at = [one.at for one in self.columns]
        if (wrong := self._wrong([first.cells[one].strip() for one in at], at)) is not None:
            raise UnknownLayout(f"{place}, line {first.line}, {wrong}")
        return at

    def records(self, table: Table, faults: Faults) -> Iterator[tuple[int, Mapping[str, str]]]:
        """Yield the line and the values of each row, by the columns' keys.

        Raises:
            UnknownLayout: the table has another layout.
        """
        head = list(islice(table.rows, HEAD))
        above, at = self.find(head, table.place)
        width, keys, header = max(at) + 1, [one.key for one in self.columns], head[above - 1].cells if above else None
        for line, cells in chain(head[above:], table.rows):
            if not any(map(str.strip, cells)) or cells == header:
                continue
            if len(cells) < width:
                faults.add(table.place, line, f"{width} columns are expected, there are {len(cells)}")
                continue
            values = [cells[one].strip() for one in at]
            if (wrong := self._wrong(values, at)) is not None:
                faults.add(table.place, line, wrong)
                continue
            yield line, dict(zip(keys, values, strict=True))

    def _wrong(self, values: list[str], at: list[int]) -> str | None:
        """Return what is wrong with the values of a row."""
        for column, form, value, place in zip(self.columns, self._forms, values, at, strict=True):
            where = f"column {place + 1} ({column.name})"
            if not value:
                if column.needed:
                    return f"{where}: it is empty"
            elif form is not None and form.fullmatch(value) is None:
                return f"{where}: {value[:SHOWN]!r} is not of the form {column.form}"
            elif len(value) > MOST_CHARACTERS:
                return f"{where}: it is longer than {MOST_CHARACTERS} characters"
            elif _UNREADABLE.search(value):
                return f"{where}: a character cannot be read"
        return None


def fold(name: str) -> str:
    """Return a column's name in the form in which names are compared."""
    return _HYPHENS.sub("-", "".join(unicodedata.normalize("NFKC", name).split())).casefold()
