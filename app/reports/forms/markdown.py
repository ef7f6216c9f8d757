"""A report as Markdown: read as it is, or made into anything."""

from collections.abc import Iterator
from html import escape

from app.reports.sheet import Cell, Sheet, Table


def _cell(value: Cell) -> str:
    # Markdown is HTML too: what is in a cell stays text.
    return escape(str(value), quote=False).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _table(table: Table) -> Iterator[str]:
    if table.title:
        yield f"## {table.title}\n"
    yield f"| {' | '.join(table.head)} |"
    yield f"|{'---|' * len(table.head)}"
    for row in table.rows:
        yield f"| {' | '.join(_cell(value) for value in row)} |"
    yield ""
    if table.note:
        yield f"{table.note}\n"


def markdown(sheet: Sheet) -> str:
    """Return a report as Markdown."""
    lines = [f"# {sheet.title}\n", f"{sheet.region}, {sheet.made}\n"]
    lines += [f"- {name}: {_cell(value)}" for name, value in sheet.facts]
    if sheet.facts:
        lines.append("")
    for table in sheet.tables:
        lines += _table(table)
    lines += [f"{note}\n" for note in sheet.notes]
    return "\n".join(lines)
