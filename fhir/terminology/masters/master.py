"""What a master is made from: the version, what is found wrong, and how far the work is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date

from fhir.terminology.masters.resources import Edition
from fhir.terminology.masters.table import Faults, Row, Table, UnknownLayout

EVERY_ROWS = 1_000
"""After so many rows the progress is told again."""


def _silent(_: int) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Source:
    """One making of a master."""

    version: str = ""
    """As the operator or the files' names say; empty: the newest date in the rows."""
    faults: Faults = field(default_factory=Faults)
    unused: list[str] = field(default_factory=list)
    """Tables of the files that were not used."""
    progress: Callable[[int], None] = _silent
    """Is told the number of rows."""
    rows: int = 0
    newest: str = ""

    def counted(self, table: Table) -> Table:
        """Return the table; its rows are counted as they pass."""
        return table._replace(rows=self._count(table.rows))

    def _count(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            if self.rows % EVERY_ROWS == 0:
                self.progress(self.rows)
            yield row

    def dated(self, day: str) -> None:
        """Take the date of a row: eight digits, or empty."""
        self.newest = max(self.newest, day) if day.isdigit() and day[0] in "12" else self.newest

    @property
    def said(self) -> str:
        """Return the version; empty as long as nothing says it."""
        return self.version or self.newest

    def edition(self, publisher: str) -> Edition:
        """Return the version of what is made; call it when all rows were read.

        Raises:
            UnknownLayout: nothing says which version it is.
        """
        if not self.said and self.faults.count:
            words = f"No row says the version: {self.faults.count} cannot be taken, the first of them"
            raise UnknownLayout(f"{words} {self.faults.listed[0]}")
        if not self.said:
            raise UnknownLayout("Neither the files' names nor their rows say the version: say it with --version")
        return Edition(publisher, self.said, _day(self.said) or _day(self.newest))


def _day(digits: str) -> str:
    """Return a FHIR date for eight digits that are one, otherwise nothing."""
    try:
        return date.fromisoformat(digits).isoformat() if len(digits) == 8 else ""
    except ValueError:
        return ""
