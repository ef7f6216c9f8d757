"""Values parted by commas: files of them, as spreadsheets open them, and those of a setting.

https://www.rfc-editor.org/rfc/rfc4180
"""

import csv
import io
from collections.abc import Iterable, Sequence

MARK = "\ufeff"
"""At the beginning of a file: spreadsheets of Japan's offices read Shift_JIS else."""

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULAS) else text


def comma_separated(rows: Iterable[Iterable[object]], head: Sequence[str] = ()) -> str:
    """Return rows as CSV, behind a header if there is one; no cell is taken for a formula.

    Args:
        rows: The cells of each row, written as `str` does.
        head: What the columns are called.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    if head:
        writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def parts(setting: str) -> list[str]:
    """Return the values of a setting, without spaces around them and without empty ones."""
    return [one for one in map(str.strip, setting.split(",")) if one]
