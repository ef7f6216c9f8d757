"""A table of a report as CSV."""

from app import comma
from app.reports.sheet import Table


def comma_separated(table: Table) -> str:
    """Return a table as CSV with a header; no cell is taken for a formula."""
    return comma.MARK + comma.comma_separated(table.rows, table.head)
