"""The parts of a workbook of Excel that hold text: strings, which the sheets share, and sheets.

A document type is refused, so no entity is declared or expanded. Readings above kanji (`rPh`) are left out.

ECMA-376 part 1, §18.3 (sheets) and §18.4 (shared strings).
"""

import re
from collections.abc import Iterator
from typing import IO
from xml.parsers import expat

from fhir.terminology.masters.table import Row, UnknownLayout

PIECE_BYTES = 1_000_000
MOST_CHARACTERS = 200_000_000
"""The most characters of the strings that a workbook's sheets share."""
CELL_CHARACTERS = 32_767
"""The longest text of a cell, as Excel has it; the rest is left out."""
MOST_COLUMNS = 500
"""Cells further to the right are not read."""

_REFERENCE = re.compile(r"([A-Z]{1,3})[0-9]{1,7}")
_NUMBER = re.compile(r"[0-9]{1,9}")
_SPACE = re.compile(r"^.* ")


class Part:
    """Reads one part, and hands each element's end to `end` with its texts."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._parser = parser = expat.ParserCreate("utf-8", " ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = lambda name, attributes: self.start(_SPACE.sub("", name), attributes)
        parser.EndElementHandler = lambda name: self.end(_SPACE.sub("", name))
        parser.CharacterDataHandler = self.text

    def _doctype(self, *_: object) -> None:
        raise UnknownLayout(f"{self._place}: a workbook with a document type is not taken")

    def pieces(self, stream: IO[bytes]) -> Iterator[None]:
        """Read the part, and yield after each piece."""
        try:
            while piece := stream.read(PIECE_BYTES):
                self._parser.Parse(piece, False)
                yield
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise UnknownLayout(f"{self._place}: the workbook cannot be read: {error}") from error
        yield

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take an element's start."""

    def end(self, name: str) -> None:
        """Take an element's end."""

    def text(self, text: str) -> None:
        """Take text."""


class Attributes(Part):
    """Collects the attributes of all elements of one name."""

    def __init__(self, place: str, element: str) -> None:
        super().__init__(place)
        self._element = element
        self.found: list[dict[str, str]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of an element."""
        if name == self._element:
            self.found.append({_SPACE.sub("", key): value for key, value in attributes.items()})


class Strings(Part):
    """Collects the strings that sheets share."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.found: list[str] = []
        self._texts: list[str] = []
        self._reading = False
        self._phonetic = 0
        self._characters = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002 - of the base class
        """Take the start of a string or a part of one."""
        self._phonetic += name == "rPh"
        self._reading = name == "t" and not self._phonetic

    def text(self, text: str) -> None:
        """Take the text of a string or a part of one."""
        if self._reading:
            self._characters += len(text)
            if self._characters > MOST_CHARACTERS:
                raise UnknownLayout(f"{self._place}: the workbook has more than {MOST_CHARACTERS} characters")
            self._texts.append(text)

    def end(self, name: str) -> None:
        """Take the end of a string or a part of one."""
        self._reading = False
        self._phonetic -= name == "rPh"
        if name == "si":
            self.found.append("".join(self._texts)[:CELL_CHARACTERS])
            self._texts.clear()


class Cells(Part):
    """Collects the rows of a sheet."""

    def __init__(self, place: str, strings: list[str]) -> None:
        super().__init__(place)
        self.found: list[Row] = []
        self._strings = strings
        self._cells: list[str] = []
        self._line = 0
        self._column = -1
        self._kind = ""
        self._texts: list[str] = []
        self._reading = False
        self._phonetic = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take the start of a row, a cell or its value."""
        self._phonetic += name == "rPh"
        self._reading = name in ("v", "t") and not self._phonetic
        if name == "row":
            self._line = int(attributes["r"]) if _NUMBER.fullmatch(attributes.get("r", "")) else self._line + 1
            self._cells, self._column = [], -1
        elif name == "c":
            match = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = _number(match[1]) if match else self._column + 1
            self._kind = attributes.get("t", "")
            self._texts.clear()

    def text(self, text: str) -> None:
        """Take the text of a row, a cell or its value."""
        if self._reading:
            self._texts.append(text)

    def end(self, name: str) -> None:
        """Take the end of a row, a cell or its value."""
        self._reading = False
        self._phonetic -= name == "rPh"
        if name == "c" and self._texts and 0 <= self._column < MOST_COLUMNS:
            self._cells += [""] * (self._column + 1 - len(self._cells))
            self._cells[self._column] = self._value("".join(self._texts))
        elif name == "row":
            self.found.append(Row(self._line, self._cells))

    def _value(self, text: str) -> str:
        if self._kind != "s":
            return text[:CELL_CHARACTERS]
        if not _NUMBER.fullmatch(text) or int(text) >= len(self._strings):
            raise UnknownLayout(f"{self._place}, line {self._line}: a cell names a string that is not there")
        return self._strings[int(text)]


def _number(letters: str) -> int:
    """Return the number of a column: A is 0, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
