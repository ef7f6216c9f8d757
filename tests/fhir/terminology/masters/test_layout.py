"""The layout of a table: found by a header's names, or by the number of columns and the form of the first row."""

import pytest

from fhir.terminology.masters.layout import HEAD, MOST_CHARACTERS, Column, Layout
from fhir.terminology.masters.table import MOST_LISTED, Faults, UnknownLayout
from tests.masters import a_table

HEADED = Layout(
    Column("code", "コード", r"\d{3}"), Column("name", "名称（ＡＢ）", needed=False, other_names=("項目名",))
)
BARE = Layout(Column("code", "コード", r"\d{3}", at=0), Column("name", "名称", at=2), width=3)


def read(layout, *rows):
    faults = Faults()
    return [(line, dict(row)) for line, row in layout.records(a_table("t.csv", *rows), faults)], faults.listed


@pytest.mark.parametrize(
    "header",
    [("コード", "名称（ＡＢ）"), ("コ ード", "名称(AB)"), ("コード", "項目名"), ("コ―ド", "名称(ＡＢ)")],
    ids=["as published", "narrow", "another name", "another dash"],
)
def test_names_are_compared_without_their_width_and_dashes(header):
    assert read(HEADED, header, ("001", "甲")) == ([(2, {"code": "001", "name": "甲"})], [])


def test_a_header_may_stand_below_a_title_and_its_columns_anywhere():
    rows = [("一覧",), (), ("備考", "項目名", "コード"), ("x", " 甲　", "001"), ("x", "", "002")]

    assert read(HEADED, *rows) == ([(4, {"code": "001", "name": "甲"}), (5, {"code": "002", "name": ""})], [])


def test_empty_lines_and_a_header_that_comes_again_are_no_rows():
    header = ("コード", "名称（ＡＢ）")

    assert read(HEADED, header, ("001", "甲"), ("", " "), [*header], ("002", "乙"))[0] == [
        (2, {"code": "001", "name": "甲"}),
        (5, {"code": "002", "name": "乙"}),
    ]


def test_a_table_without_a_header_is_read_by_its_places():
    assert read(BARE, ("001", "x", "甲"), ("002", "y", "乙"))[0][1] == (2, {"code": "002", "name": "乙"})


def test_a_header_of_a_table_that_needs_none_is_followed_too():
    assert read(BARE, ("名称", "コード"), ("甲", "001")) == ([(2, {"code": "001", "name": "甲"})], [])


@pytest.mark.parametrize(
    ("layout", "rows", "words"),
    [
        (HEADED, [("一覧",), ("コード", "名")], "t.csv, line 2: there is no column 名称（ＡＢ）"),
        (HEADED, [("001", "甲")], "t.csv, line 1: none of the first 20 lines names the columns コード, 名称（ＡＢ）"),
        (HEADED, [("x",)] * HEAD + [("コード", "項目名")], "t.csv, line 1: none of the first"),
        (HEADED, [], "t.csv: the table is empty"),
        (BARE, [("001", "甲")], "t.csv, line 1: 3 columns are expected, there are 2"),
        (BARE, [("1", "x", "甲")], "t.csv, line 1, column 1 (コード): '1' is not of the form"),
        (BARE, [("001", "x", "")], "t.csv, line 1, column 3 (名称): it is empty"),
        (BARE, [("コード", "名"), ("001", "甲")], "t.csv, line 1: there is no column 名称"),
    ],
    ids=[
        "a missing column",
        "no header",
        "too far below",
        "empty",
        "narrow",
        "a wrong form",
        "nothing",
        "half a header",
    ],
)
def test_another_layout_is_refused_with_its_line_and_column(layout, rows, words):
    with pytest.raises(UnknownLayout) as error:
        read(layout, *rows)

    assert str(error.value).startswith(words)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("01", "x", "甲"), "column 1 (コード): '01' is not of the form \\d{3}"),
        (("００１", "x", "甲"), "column 1 (コード): '００１' is not of the form \\d{3}"),
        (("9" * 50, "x", "甲"), f"column 1 (コード): '{'9' * 30}' is not of the form \\d{{3}}"),
        (("", "x", "甲"), "column 1 (コード): it is empty"),
        (("001", "x"), "3 columns are expected, there are 2"),
        (("001", "x", "甲" * (MOST_CHARACTERS + 1)), "column 3 (名称): it is longer than 2000 characters"),
        (("001", "x", "甲\ufffd"), "column 3 (名称): a character cannot be read"),
        (("001", "x", "甲\x00"), "column 3 (名称): a character cannot be read"),
    ],
    ids=["a wrong form", "wide digits", "a long one", "nothing", "too few", "too long", "not of the encoding", "NUL"],
)
def test_a_row_that_cannot_be_taken_is_named_and_left_out(row, words):
    found, listed = read(BARE, ("001", "x", "甲"), row, ("003", "x", "丙"))

    assert [line for line, _ in found] == [1, 3]
    assert listed == [f"t.csv, line 2: {words}"]


def test_faults_without_end_are_counted_and_not_listed():
    faults = Faults()

    for line in range(MOST_LISTED + 5):
        faults.add("t", line, "wrong")

    assert (faults.count, len(faults.listed)) == (MOST_LISTED + 5, MOST_LISTED)
