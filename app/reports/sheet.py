"""The one shape of every report: facts, then tables; what it is written as is decided elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

Cell = str | int


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report."""

    name: str
    """By which a file asks for it: `persons`."""
    title: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    note: str = ""
    """What a reader must know of it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A report."""

    title: str
    region: str
    made: str
    """When, in words."""
    facts: Sequence[tuple[str, Cell]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    running: str = ""
    """What stands at the top of each page of paper: a page that was parted from the others tells whose it is."""
    printed: str = ""
    """Who printed it, when, and for what: at the foot of each page, and nothing in it is cut."""

    def table(self, name: str) -> Table:
        """Return a table by its name; the first for an empty one.

        Raises:
            KeyError: there is none of that name.
        """
        for one in self.tables:
            if name in ("", one.name):
                return one
        raise KeyError(name)
