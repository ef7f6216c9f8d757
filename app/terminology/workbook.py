"""Workbooks of Excel (`.xlsx`): the texts of their cells, sheet by sheet, and nothing else of them.

ECMA-376 part 1, §18.2 (workbook), and part 2, §6.5 (relationships).
"""

import posixpath
from collections.abc import Callable, Iterator
from typing import IO

from app.terminology.workbook_parts import Attributes, Cells, Strings
from fhir.terminology.masters.table import Row, UnknownLayout

MOST_ROWS = 2_000_000
"""The most rows of a sheet."""

Open = Callable[[str], IO[bytes]]
"""Opens a part of the workbook by its name; KeyError when there is none."""


def sheets(opened: Open, place: str) -> list[tuple[str, Iterator[Row]]]:
    """Return the names of a workbook's sheets, and their rows, which are read when they are asked for.

    Args:
        opened: Opens a part.
        place: What messages call the workbook.

    Raises:
        UnknownLayout: it is no workbook.
    """
    try:
        names = _attributes(opened, "xl/workbook.xml", "sheet", place)
        relations = _attributes(opened, "xl/_rels/workbook.xml.rels", "Relationship", place)
    except KeyError as error:
        raise UnknownLayout(f"{place}: the workbook has no part {error.args[0]}") from error
    parts = {one.get("Id"): posixpath.normpath(posixpath.join("/xl", one.get("Target", "")))[1:] for one in relations}
    shared: list[list[str]] = []
    return [
        (one.get("name", ""), _rows(opened, parts.get(one.get("id"), ""), f"{place}: {one.get('name', '')}", shared))
        for one in names
    ]


def _rows(opened: Open, part: str, place: str, shared: list[list[str]]) -> Iterator[Row]:
    if not shared:
        shared.append(_strings(opened, place))
    reader = Cells(place, shared[0])
    count = 0
    try:
        stream = opened(part)
    except KeyError as error:
        raise UnknownLayout(f"{place}: the workbook has no part {part!r}") from error
    with stream:
        for _ in reader.pieces(stream):
            count += len(reader.found)
            if count > MOST_ROWS:
                raise UnknownLayout(f"{place}: there are more than {MOST_ROWS} rows")
            yield from reader.found
            reader.found.clear()


def _strings(opened: Open, place: str) -> list[str]:
    reader = Strings(place)
    try:
        stream = opened("xl/sharedStrings.xml")
    except KeyError:  # the part is optional
        return []
    with stream:
        for _ in reader.pieces(stream):
            pass
    return reader.found


def _attributes(opened: Open, part: str, element: str, place: str) -> list[dict[str, str]]:
    reader = Attributes(place, element)
    with opened(part) as stream:
        for _ in reader.pieces(stream):
            pass
    return reader.found
