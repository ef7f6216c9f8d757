"""Tables of text: cells parted by commas, tabs or semicolons, in UTF-8 or Shift_JIS (CP932)."""

import codecs
import csv
import io
from collections.abc import Callable, Iterator
from itertools import chain
from typing import IO

from fhir.terminology.masters.table import Row, UnknownLayout

PIECE_BYTES = 1_000_000
MOST_ROWS = 2_000_000
"""The most rows of a table."""
LINE_CHARACTERS = 1_000_000
"""The longest line."""


def text_rows(opened: Callable[[], IO[bytes]], place: str) -> Iterator[Row]:
    """Yield the rows of a text.

    Characters that the encoding does not have become U+FFFD, so that the row can be named.

    Args:
        opened: Opens it; it is read twice, since only its end tells which encoding it has.
        place: What messages call it.

    Raises:
        UnknownLayout: it is no table, or is larger than what is taken.
    """
    encoding = _encoding(opened)
    with opened() as stream, io.TextIOWrapper(stream, encoding, errors="replace", newline="") as text:
        lines = _lines(text, place)
        first = next(lines, "")
        reader = csv.reader(chain([first] if first else [], lines), delimiter=max(",\t;", key=first.count))
        line = 1
        try:
            for count, cells in enumerate(reader, start=1):
                if count > MOST_ROWS:
                    raise UnknownLayout(f"{place}: there are more than {MOST_ROWS} rows")
                yield Row(line, cells)
                line = reader.line_num + 1
        except csv.Error as error:
            raise UnknownLayout(f"{place}, line {line}: {error}") from error


def _lines(text: io.TextIOWrapper, place: str) -> Iterator[str]:
    while line := text.readline(LINE_CHARACTERS):
        if len(line) == LINE_CHARACTERS:
            raise UnknownLayout(f"{place}: a line is longer than {LINE_CHARACTERS} characters")
        yield line


def _encoding(opened: Callable[[], IO[bytes]]) -> str:
    """Return UTF-8 for what is UTF-8 to its end, otherwise CP932, which is Shift_JIS as it is used."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with opened() as stream:
        try:
            while piece := stream.read(PIECE_BYTES):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp932"
    return "utf-8-sig"
