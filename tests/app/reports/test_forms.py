"""A report as Markdown, HTML and CSV: what is in a cell stays in it."""

import csv
import io

import pytest

from app.reports.forms.comma import comma_separated
from app.reports.forms.markdown import markdown
from app.reports.forms.page import page
from app.reports.sheet import Sheet, Table

SHEET = Sheet(
    "報告",
    "札幌",
    "2026-04-01 09:00",
    facts=(("本人の数", 3),),
    tables=(Table("one", "一", ("a", "b"), [("x|y", "line\nbreak"), ("<script>", "=1+1")], note="注"),),
    notes=("末尾",),
)


def test_markdown_keeps_a_row_on_a_line() -> None:
    lines = markdown(SHEET).splitlines()

    assert lines[0] == "# 報告"
    assert "- 本人の数: 3" in lines
    assert "| x\\|y | line break |" in lines
    assert lines[-1] == "末尾"


def test_markdown_takes_no_cell_for_html() -> None:
    text = markdown(SHEET)

    assert "| &lt;script> | =1+1 |" in text.replace("&gt;", ">")
    assert "<script" not in text


def test_a_backslash_ends_no_cell() -> None:
    sheet = Sheet("a", "b", "c", tables=(Table("t", "", ("x", "y"), [("1\\|2", "3")]),))

    assert "| 1\\\\\\|2 | 3 |" in markdown(sheet).splitlines()


def test_html_escapes_what_is_in_a_cell_and_loads_nothing() -> None:
    shown = page(SHEET)

    assert "<td>&lt;script&gt;</td>" in shown
    assert "<script" not in shown
    assert "http" not in shown


def test_csv_takes_no_cell_for_a_formula() -> None:
    text = comma_separated(SHEET.table("one"))

    assert text.startswith("\ufeff")
    assert list(csv.reader(io.StringIO(text[1:])))[2] == ["<script>", "'=1+1"]


def test_a_table_is_found_by_its_name() -> None:
    assert SHEET.table("").name == "one"
    with pytest.raises(KeyError):
        SHEET.table("two")
