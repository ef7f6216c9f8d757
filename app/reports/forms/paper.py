"""A report as PDF, A4, with a Japanese font in it, so that it looks the same wherever it is read.

ISO 32000-1, 9.9: embedded font programs. docs/decisions/0037 says which font, and why this library.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from app.reports.sheet import Cell, Sheet, Table

FONTS = (
    Path("/usr/share/fonts/opentype/ipaexfont-gothic/ipaexg.ttf"),
    Path("/usr/share/fonts/truetype/ipaexfont-gothic/ipaexg.ttf"),
    Path("/usr/share/fonts/ipa-ex-gothic-fonts/ipaexg.ttf"),
    Path("/usr/share/fonts/OTF/ipaexg.ttf"),
)
"""Where the systems that we know keep IPAex Gothic."""

_FONT = "report"
_HEAD_UNITS, _MOST_UNITS = 12, 44
"""Half widths: at least so many of a head stand on one line; no column asks for more than so many."""
_HEAD_POINTS = 90
"""What a table's title, its head and a row take."""
_MOST_CHARACTERS, _MOST_ROWS = 400, 2_000
"""Of a cell, and rows of a table: a page is no place for more, and CSV has it all."""
_MARGIN, _MOST_AROUND = 42, 90
"""Points around a page; characters of a line at its top or its foot."""
_WIDE = 7
"""With more columns than this a sheet lies on its side."""


class NoFont(Exception):
    """No Japanese font is there that can be embedded."""


def font_file(chosen: Path | None) -> Path:
    """Return the font that PDFs embed.

    Args:
        chosen: The setting `RENKEI_REPORT_FONT`.

    Raises:
        NoFont: it is not there.
    """
    for path in (chosen,) if chosen else FONTS:
        if path.is_file():
            return path
    named = str(chosen) if chosen else "the Debian package fonts-ipaexfont-gothic"
    raise NoFont(f"A PDF needs a Japanese TrueType font: install {named}, or set RENKEI_REPORT_FONT to one")


def _register(path: Path) -> None:
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    try:
        registerFont(TTFont(_FONT, str(path)))
    except (TTFError, OSError) as error:
        raise NoFont(f"{path} is no TrueType font that can be embedded: {error}") from error


def _styles() -> dict[str, Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.styles import ParagraphStyle

    # Japanese has no spaces: a line may end after any character.
    plain = ParagraphStyle("plain", fontName=_FONT, fontSize=9, leading=14, wordWrap="CJK")
    return {
        "plain": plain,
        "cell": ParagraphStyle("cell", plain, fontSize=7.5, leading=10),
        "muted": ParagraphStyle("muted", plain, textColor=HexColor("#55626f")),
        "title": ParagraphStyle("title", plain, fontSize=15, leading=22),
        "head": ParagraphStyle("head", plain, fontSize=11, leading=18, spaceBefore=14, spaceAfter=4),
    }


def _cut(value: Cell) -> str:
    text = str(value)
    left = len(text) - _MOST_CHARACTERS
    return f"{text[:_MOST_CHARACTERS]}…(+{left})" if left > 0 else text


def _short(table: Table) -> Table:
    """Return a table as it fits on paper, with a note of what was left out."""
    left = len(table.rows) - _MOST_ROWS
    rows = [tuple(_cut(value) for value in row) for row in table.rows[:_MOST_ROWS]]
    more = f"ほかに {left} 行 / and {left} more rows: --format csv" if left > 0 else ""
    if any(len(str(value)) > _MOST_CHARACTERS for row in table.rows[:_MOST_ROWS] for value in row):
        more = f"{more} …(+n): n 文字を省略、全文は / n characters left out, whole by --format csv".strip()
    return replace(table, rows=rows, note=f"{table.note} {more}".strip())


def _rows(rows: Sequence[Sequence[Cell]], style: Any) -> list[list[Any]]:
    from reportlab.platypus import Paragraph

    return [[Paragraph(escape(str(value)), style) for value in row] for row in rows]


def _units(text: str) -> int:
    """Return how wide a text is, in half widths."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _widths(table: Table, width: float) -> list[float]:
    """Share a width among columns by their longest texts; a head may take a second line."""
    heads = [min(_units(one), _HEAD_UNITS) for one in table.head]
    columns: Iterable[Sequence[Cell]] = zip(*table.rows, strict=True) if table.rows else [()] * len(heads)
    longest = [
        min(max([head, *(_units(str(value)) for value in column)]), _MOST_UNITS)
        for head, column in zip(heads, columns, strict=True)
    ]
    return [width * one / sum(longest) for one in longest]


def _table(table: Table, width: float, styles: dict[str, Any], *, whole: bool = False) -> list[Any]:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import CondPageBreak, LongTable, Paragraph, TableStyle

    table = table if whole else _short(table)
    # A head does not stand alone at the end of a page.
    found = [CondPageBreak(_HEAD_POINTS), Paragraph(escape(table.title), styles["head"])] if table.title else []
    grid = LongTable(
        _rows([table.head, *table.rows], styles["cell"]),
        colWidths=_widths(table, width),
        repeatRows=1,
        splitByRow=1,
        # A row that is higher than a page goes on over the next one.
        splitInRow=1,
    )
    grid.setStyle(
        TableStyle(
            [
                # Of what stands in no paragraph: nothing, but the library would name its own font.
                ("FONTNAME", (0, 0), (-1, -1), _FONT),
                ("GRID", (0, 0), (-1, -1), 0.4, HexColor("#c5ced6")),
                ("BACKGROUND", (0, 0), (-1, 0), HexColor("#eef2f5")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    found.append(grid)
    if table.note:
        found.append(Paragraph(escape(table.note), styles["muted"]))
    return found


def _canvas(sheet: Sheet) -> type[Any]:
    """Return a canvas that writes the foot of each page once it is known how many there are."""
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc]
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self._done: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._done.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(done := self._done, start=1):
                self.__dict__.update(page)
                _around(self, sheet, f"{number} / {len(done)}")
                super().showPage()
            super().save()

    return Numbered


def _around(canvas: Any, sheet: Sheet, number: str) -> None:
    """Write what stands around a page."""
    width, height = canvas._pagesize  # noqa: SLF001 - the library has no other name for it
    canvas.setFont(_FONT, 7.5)
    if sheet.running:
        canvas.drawString(_MARGIN, height - 28, sheet.running[:_MOST_AROUND])
    below = sheet.printed or f"{sheet.region} {sheet.title} {sheet.made}"
    canvas.drawString(_MARGIN, 24, below[:_MOST_AROUND])
    canvas.drawRightString(width - _MARGIN, 24, number)


def paper(sheet: Sheet, font: Path) -> bytes:
    """Return a report as PDF.

    Args:
        sheet: The report.
        font: What `font_file` returned.

    Raises:
        NoFont: it cannot be embedded.
    """
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

    _register(font)
    styles, out = _styles(), io.BytesIO()
    wide = any(len(one.head) > _WIDE for one in sheet.tables)
    document = SimpleDocTemplate(
        out,
        pagesize=landscape(A4) if wide else A4,
        initialFontName=_FONT,
        **dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN),
        title=sheet.title,
        author=sheet.region,
        lang="ja-JP",
    )
    story = [Paragraph(escape(sheet.title), styles["title"])]
    story += [Paragraph(escape(f"{sheet.region}, {sheet.made}"), styles["muted"]), Spacer(1, 8)]
    if sheet.facts:
        facts = Table("facts", "", ("項目 / Item", "内容 / Content"), sheet.facts)
        story += _table(facts, document.width, styles)
    for table in sheet.tables:
        story += _table(table, document.width, styles, whole=bool(sheet.printed))
    story += [Paragraph(escape(note), styles["muted"]) for note in sheet.notes]
    document.build(story, canvasmaker=_canvas(sheet))
    return out.getvalue()
