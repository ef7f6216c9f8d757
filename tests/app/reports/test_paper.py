"""A report as PDF: its text can be found, its font is in it, long tables go on."""

import re
import subprocess
from datetime import date
from pathlib import Path

import pytest

from app.audit.record import Event
from app.reports.affected import Affected
from app.reports.breach import breach as list_of
from app.reports.forms.paper import FONTS, NoFont, font_file, paper
from app.reports.month import month as report_of
from app.reports.monthly import Month
from app.reports.names import Known
from app.reports.sheet import Sheet, Table

APRIL = 1_775_034_000_000_000


def test_a_pdf_holds_its_text_and_its_font(tmp_path: Path) -> None:
    found = Month("Organization/a")
    found.add(Event(APRIL, "E", "sign-in", "8", organisation="Organization/a", user="dr-a", user_name="髙橋 一郎"))
    sheet = report_of(found, region="札幌医療圏", made=APRIL, text="2026-04", sites=(), so_far=True)
    file = tmp_path / "month.pdf"

    file.write_bytes(paper(sheet, font_file(None)))

    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout
    assert "月次報告 2026-04" in text
    assert "札幌医療圏" in text
    assert "自施設の記録の閲覧" in text
    assert "髙橋 一郎" in text
    fonts = subprocess.run(["pdffonts", str(file)], capture_output=True, text=True, check=True).stdout.splitlines()[2:]
    assert [line.split()[-5] for line in fonts if "IPAexGothic" in line] == ["yes"]
    assert [line for line in fonts if line.split()[-5] != "yes"] == []


def test_a_long_table_goes_on_over_pages_with_its_head(tmp_path: Path) -> None:
    rows = [(str(number), "長い文章です。" * 30) for number in range(120)]
    sheet = Sheet("一覧", "札幌", "2026-04-01", tables=(Table("t", "表", ("番号", "内容"), rows),))
    file = tmp_path / "long.pdf"

    file.write_bytes(paper(sheet, font_file(None)))

    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")[:-1]
    assert len(pages) > 3
    assert [number for number, one in enumerate(pages) if "番号" not in one] == []
    assert "119" in pages[-1]


def test_an_empty_table_and_markup_in_cells_are_shown_as_they_are(tmp_path: Path) -> None:
    sheet = Sheet(
        "<b>表</b>", "札幌", "", tables=(Table("t", "", ("a", "b"), [("<i>&", "1")]), Table("e", "空", ("a",), []))
    )
    file = tmp_path / "markup.pdf"

    file.write_bytes(paper(sheet, font_file(None)))

    text = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, text=True, check=True).stdout
    assert "<b>表</b>" in text
    assert "<i>&" in text


def test_a_font_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoFont, match="RENKEI_REPORT_FONT"):
        font_file(tmp_path / "gone.ttf")


def test_a_file_that_is_no_font_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.ttf"
    wrong.write_text("no font")

    with pytest.raises(NoFont, match=r"wrong\.ttf"):
        paper(Sheet("a", "b", "c"), font_file(wrong))


def test_the_font_is_where_debian_has_it() -> None:
    assert font_file(None) in FONTS


def shown(made: bytes, file: Path) -> str:
    file.write_bytes(made)
    return subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout


def test_a_breach_with_many_resources_of_one_patient_fits(tmp_path: Path) -> None:
    found = Affected()
    for number in range(200):
        names = (f"Observation/a{number:026d}/_history/1",)
        one = Event(APRIL, "R", "read", patient="Patient/1", patient_key=1, user="dr-a", entities=names)
        found.add(one)
    sheet = list_of(
        found,
        region="札幌",
        made=APRIL,
        asked_for=(),
        noticed=date(2026, 4, 1),
        person={1: 1},
        sites=(),
        known={1: Known(numbers="1" * 300, name="長" * 300, address="住" * 300)},
    )

    text = shown(paper(sheet, font_file(None)), tmp_path / "breach.pdf")

    assert "本人の数" in text
    assert re.search(r"\(\+\d", text)
    assert "--format csv" in text


def test_a_row_that_is_higher_than_a_page_goes_on(tmp_path: Path) -> None:
    head = tuple(f"列{number}" for number in range(17))
    rows = [("あ" * 399 + "終",) * 17, ("次",) * 17]
    sheet = Sheet("一覧", "札幌", "2026-04-01", tables=(Table("t", "表", head, rows),))

    text = shown(paper(sheet, font_file(None)), tmp_path / "high.pdf")

    assert text.count("終") == 17
    assert text.count("次") == 17


def test_a_table_of_paper_ends_somewhere_and_says_so(tmp_path: Path) -> None:
    rows = [(str(number),) for number in range(2_003)]
    sheet = Sheet("一覧", "札幌", "2026-04-01", tables=(Table("t", "表", ("番号",), rows),))

    text = shown(paper(sheet, font_file(None)), tmp_path / "many.pdf")

    assert "ほかに 3 行" in text
    assert "2001" not in text
