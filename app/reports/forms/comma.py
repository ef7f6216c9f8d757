"""A table of a report as CSV: https://www.rfc-editor.org/rfc/rfc4180."""

import csv
import io

from app.consent.third_party import cell
from app.reports.sheet import Table

MARK = "\ufeff"
"""Lets spreadsheets read the Japanese."""


def comma_separated(table: Table) -> str:
    """Return a table as CSV with a header; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.head)
    writer.writerows([cell(str(value)) for value in row] for row in table.rows)
    return MARK + out.getvalue()
