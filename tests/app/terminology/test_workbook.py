"""Workbooks: the texts of their cells, read with suspicion."""

import zipfile

import pytest

from app.terminology import workbook as module
from app.terminology import workbook_parts
from app.terminology.files import tables
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import a_workbook

ROWS = [["コード", "", "名称"], [], ["001", "", " 甲 <乙>"]]


def read(path):
    return {table.name: [(row.line, row.cells) for row in table.rows] for table in tables([path])}


@pytest.mark.parametrize("shared", [True, False], ids=["shared strings", "strings within"])
def test_cells_stand_where_they_stand_in_the_sheet(tmp_path, shared):
    path = a_workbook(tmp_path / "w.xlsx", {"一": ROWS, "二 ": [["x"]]}, shared=shared)

    assert read(path) == {
        "一": [(1, ["コード", "", "名称"]), (2, []), (3, ["001", "", " 甲 <乙>"])],
        "二": [(1, ["x"])],
    }


def test_readings_above_kanji_are_left_out(tmp_path):
    path = a_workbook(tmp_path / "w.xlsx", {"一": [["漢字"]]})

    with zipfile.ZipFile(path) as archive:
        assert "ヨミ" in archive.read("xl/sharedStrings.xml").decode()
    assert read(path)["一"] == [(1, ["漢字"])]


def test_numbers_and_cells_without_a_place_are_taken(tmp_path):
    rows = b'<row><c><v>1.50</v></c><c t="str"><f>A1</f><v>x</v></c></row><row><c/><c><v>2</v></c></row>'
    sheet = b"<worksheet>" + rows + b"</worksheet>"
    path = a_workbook(tmp_path / "w.xlsx", {"一": []}, xl__worksheets__sheet1_dot_xml=sheet)

    assert read(path)["一"] == [(1, ["1.50", "x"]), (2, ["", "2"])]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"xl__worksheets__sheet1_dot_xml": b"<worksheet><row>"}, "cannot be read"),
        ({"xl__workbook_dot_xml": b"no xml"}, "cannot be read"),
        (
            {"xl__worksheets__sheet1_dot_xml": b'<!DOCTYPE w [<!ENTITY a "x">]><worksheet>&a;</worksheet>'},
            "document type",
        ),
        (
            {"xl__worksheets__sheet1_dot_xml": b'<worksheet><row r="7"><c t="s"><v>99</v></c></row></worksheet>'},
            "line 7: a cell names a string that is not there",
        ),
        ({"xl___rels__workbook_dot_xml_dot_rels": b"<Relationships/>"}, "has no part ''"),
    ],
    ids=["half a sheet", "no workbook", "an entity", "a string that is not there", "a sheet that is not there"],
)
def test_a_broken_workbook_is_refused(tmp_path, parts, words):
    path = a_workbook(tmp_path / "w.xlsx", {"一": ROWS}, **parts)

    with pytest.raises(UnknownLayout, match=words):
        read(path)


def test_a_workbook_without_relations_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")

    with pytest.raises(UnknownLayout, match="has no part"):
        read(tmp_path / "w.xlsx")


@pytest.mark.parametrize(
    ("where", "bound", "words"),
    [(module, "MOST_ROWS", "more than 1 rows"), (workbook_parts, "MOST_CHARACTERS", "more than 1 characters")],
)
def test_a_workbook_over_a_bound_is_refused(tmp_path, monkeypatch, where, bound, words):
    path = a_workbook(tmp_path / "w.xlsx", {"一": ROWS})
    monkeypatch.setattr(where, bound, 1)

    with pytest.raises(UnknownLayout, match=words):
        read(path)


def test_cells_far_to_the_right_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_parts, "MOST_COLUMNS", 2)

    assert read(a_workbook(tmp_path / "w.xlsx", {"一": ROWS}))["一"][0] == (1, ["コード"])
