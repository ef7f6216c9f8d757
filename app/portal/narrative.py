"""A narrative as blocks of text and tables of text: what it says is shown, and no markup of its sender's.

https://hl7.org/fhir/R4/narrative.html
"""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

MOST_COLUMNS = 40
"""Cells of a row that are shown; a table of more is a mistake, or meant to be one."""

_BREAKS = frozenset(
    ("p", "div", "li", "ul", "ol", "br", "caption", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "dd", "hr")
)
_UNSEEN = frozenset(("style", "script", "title"))
_SPACE = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table."""

    text: str
    is_heading: bool


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of text, or a table."""

    text: str = ""
    rows: tuple[tuple[Cell, ...], ...] = ()


class _Reader(HTMLParser):
    """Reads a narrative; what is inside a table goes to its cells, a table in a table to the cell around it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._rows: list[list[Cell]] = []
        self._depth = 0
        self._heading: bool | None = None
        self._unseen = 0

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "table":
            if self._depth == 0:
                self.flush()
            self._depth += 1
        elif self._depth == 1 and tag == "tr":
            self._cell()
            self._rows.append([])
        elif self._depth == 1 and tag in ("td", "th"):
            self._cell()
            self._heading = tag == "th"
        elif tag in _BREAKS:
            self._text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "table" and self._depth:
            if self._depth == 1:
                self._table()
            self._depth -= 1
        elif self._depth == 1 and tag in ("td", "th"):
            self._cell()
        elif tag in _BREAKS or (self._depth > 1 and tag in ("td", "th", "tr")):
            self._text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._text.append(_SPACE.sub(" ", data))

    def _taken(self) -> str:
        lines = (line.strip() for line in "".join(self._text).split("\n"))
        self._text.clear()
        return "\n".join(line for line in lines if line)

    def _cell(self) -> None:
        text = self._taken()
        if self._heading is None:
            # A caption, or text between the rows.
            if text:
                self.blocks.append(Block(text))
            return
        if not self._rows:
            self._rows.append([])
        if len(self._rows[-1]) < MOST_COLUMNS:
            self._rows[-1].append(Cell(text, self._heading))
        self._heading = None

    def _table(self) -> None:
        self._cell()
        rows = tuple(tuple(row) for row in self._rows if row)
        self._rows = []
        if rows:
            self.blocks.append(Block(rows=rows))

    def flush(self) -> None:
        """Let what was read so far be a block."""
        if text := self._taken():
            self.blocks.append(Block(text))

    def ended(self) -> list[Block]:
        """Return all blocks."""
        if self._depth:
            self._table()
        self.flush()
        return self.blocks


def blocks(div: str) -> list[Block]:
    """Return what a narrative says; whatever it is made of, nothing of it is markup afterwards."""
    reader = _Reader()
    reader.feed(div)
    reader.close()
    return reader.ended()
