"""Tables of text in the encodings and forms of Japanese publishers."""

import io

import pytest

from app.terminology import text as module
from app.terminology.text import text_rows
from fhir.terminology.masters.table import UnknownLayout


def read(content):
    return [(row.line, row.cells) for row in text_rows(lambda: io.BytesIO(content), "t.csv")]


@pytest.mark.parametrize("encoding", ["cp932", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["CRLF", "LF"])
def test_encodings_and_ends_of_lines_are_told_apart(encoding, end):
    content = f'"コード","名称"{end}"001","①髙﨑ー病"{end}'.encode(encoding)

    assert read(content) == [(1, ["コード", "名称"]), (2, ["001", "①髙﨑ー病"])]


def test_the_end_decides_on_the_encoding():
    assert read(b"a,b\n" * 400_000 + "病".encode("cp932"))[-1] == (400_001, ["病"])


def test_tabs_part_cells_too():
    assert read("コード\t名称\n001\t病, 急性\n".encode()) == [(1, ["コード", "名称"]), (2, ["001", "病, 急性"])]


def test_semicolons_part_cells_too():
    assert read("A00;病, 急性;1\n".encode()) == [(1, ["A00", "病, 急性", "1"])]


def test_a_cell_of_several_lines_is_one_cell_and_lines_stay_right():
    assert read(b'"a\r\nb",1\r\nc,2\r\n') == [(1, ["a\r\nb", "1"]), (3, ["c", "2"])]


def test_what_the_encoding_does_not_have_is_marked():
    assert read("病".encode("cp932") + b"\x81\xff,1\n")[0][1][0].startswith("病\ufffd")


def test_an_empty_file_has_no_rows():
    assert read(b"") == []


def test_a_quote_without_end_is_refused_with_its_line():
    with pytest.raises(UnknownLayout, match=r"t\.csv, line 2: field larger"):
        read(b'a,b\n"' + b"x" * 200_000)


def test_a_line_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(module, "LINE_CHARACTERS", 10)

    with pytest.raises(UnknownLayout, match="longer than 10 characters"):
        read(b"a,b\n" + b"c," * 20)


def test_rows_without_end_are_refused(monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 2)

    with pytest.raises(UnknownLayout, match="more than 2 rows"):
        read(b"a\nb\nc\n")
