"""`renkei terminology`, on invented rows in the layouts of the publishers."""

from pathlib import Path

import pytest

from tests.app.cli.conftest import Renkei
from tests.masters import (
    HOT_COLUMNS,
    a_disease,
    a_hot_row,
    a_modifier,
    a_receipt_disease,
    a_workbook,
    a_zip,
    an_index_term,
    text,
)


@pytest.fixture
def hot(tmp_path: Path) -> Path:
    rows = [a_hot_row("9000001010101", "9990001F1010"), a_hot_row("9000001010102", "9990001F1010", change="4")]
    path = tmp_path / "MEDIS20260930.TXT"
    path.write_bytes(text(HOT_COLUMNS, *rows))
    return path


def test_a_master_is_loaded_listed_and_removed(renkei: Renkei, hot: Path) -> None:
    loaded = renkei("terminology", "load", "hot", str(hot))
    listed = renkei("terminology", "list")
    removed = renkei("terminology", "remove", "hot")
    again = renkei("terminology", "remove", "hot")

    assert loaded.stdout.splitlines() == [
        "Loaded hot 20260930",
        "CodeSystem\thttp://medis.or.jp/CodeSystem/master-HOT13\t2",
        "CodeSystem\thttp://medis.or.jp/CodeSystem/master-HOT9\t1",
        "CodeSystem\thttp://medis.or.jp/CodeSystem/master-HOT7\t1",
        "CodeSystem\thttp://capstandard.jp/iyaku.info/CodeSystem/YJ-code\t1",
        "ConceptMap\thttp://renkei.example/fhir/ConceptMap/hot9-yj\t1",
    ]
    assert loaded.stderr == "\r3 rows\n"
    assert listed.output == "hot\t20260930\t5\n"
    assert removed.output == "Removed hot 20260930\n"
    assert (again.exit_code, again.output) == (1, "Error: hot is not loaded\n")
    assert renkei("terminology", "list").output == ""


def test_it_is_a_package_like_others(renkei: Renkei, hot: Path) -> None:
    renkei("terminology", "load", "hot", str(hot))

    assert renkei("package", "list").output == "renkei.terminology.hot\t20260930\t5\n"


def test_the_same_file_again_changes_nothing_and_a_newer_one_takes_its_place(renkei: Renkei, hot: Path) -> None:
    newer = hot.with_name("MEDIS20261031.TXT")
    newer.write_bytes(text(HOT_COLUMNS, a_hot_row("9000001010101", date="20261031")))

    outputs = [
        renkei("terminology", "load", "hot", str(path)).stdout.partition("\n")[0] for path in (hot, hot, newer, hot)
    ]

    assert outputs == [
        "Loaded hot 20260930",
        "hot 20260930 is loaded already; nothing changed",
        "Loaded hot 20261031 in place of 20260930",
        "",
    ]
    older = renkei("terminology", "load", "hot", str(hot))
    assert older.stderr.splitlines()[-1] == (
        "Error: renkei.terminology.hot 20261031 is loaded, which is newer than 20260930"
    )


def test_faulty_rows_are_listed_and_nothing_is_loaded_unless_they_are_to_be_left_out(renkei: Renkei, hot: Path) -> None:
    hot.write_bytes(hot.read_bytes() + text(a_hot_row("90000010", "9990001F1010")))

    refused = renkei("terminology", "load", "hot", str(hot))
    nothing = renkei("terminology", "list").output
    skipped = renkei("terminology", "load", "hot", str(hot), "--skip-faulty")

    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-2:] == [
        r"MEDIS20260930.TXT, line 4: column 1 (基準番号（ＨＯＴコード）): '90000010' is not of the form \d{9}(\d{4})?",
        "Error: 1 rows cannot be taken; --skip-faulty leaves them out",
    ]
    assert nothing == ""
    assert (skipped.exit_code, skipped.stdout.partition("\n")[0]) == (0, "Loaded hot 20260930")
    assert "line 4" in skipped.stderr


def test_the_archive_of_diseases_is_taken_as_it_is(renkei: Renkei, tmp_path: Path) -> None:
    path = a_zip(
        tmp_path / "byomei599.zip",
        main__nmain599_dot_txt=text(a_disease("90000001", "ためし病", "ZZ01", "E119"), quoted=False),
        main__mdfy599_dot_txt=text(a_modifier("97000001", "急性ためし", "Z999"), quoted=False),
        main__index599_dot_txt=text(an_index_term("ためしやまい", "ZZ01"), quoted=False),
        option__ttl_main_dot_txt=text(["変更区分", "病名管理番号"], quoted=False),
        diff__changes_dot_txt=text(a_disease("90000009", "ほか", "ZZ09"), quoted=False),
    )

    loaded = renkei("terminology", "load", "disease", str(path))

    assert loaded.stdout.splitlines()[:3] == [
        "Loaded disease 5.99",
        "CodeSystem\thttp://medis.or.jp/CodeSystem/master-disease-keyNumber\t1",
        "CodeSystem\thttp://medis.or.jp/CodeSystem/master-disease-exCode\t1",
    ]
    assert loaded.stderr.splitlines()[-2:] == [
        "Not used: byomei599.zip: option/ttl_main.txt",
        "Not used: byomei599.zip: diff/changes.txt",
    ]


def test_workbooks_lists_and_claims_are_loaded_too(renkei: Renkei, tmp_path: Path) -> None:
    book = a_workbook(tmp_path / "jlac10.xlsx", {"17桁コード表": [["JLAC10コード（17桁）", *_NAMES], _LABORATORY]})
    (tmp_path / "b_20260601.txt").write_bytes(text(a_receipt_disease("9900001", "ためし病")))
    (tmp_path / "ICDitems_20260101.txt").write_bytes(text(["A00", "病A"], encoding="utf-8-sig"))

    loaded = [
        renkei("terminology", "load", "jlac10", str(book), "--version", "202604"),
        renkei("terminology", "load", "receipt", str(tmp_path / "b_20260601.txt")),
        renkei("terminology", "load", "icd10", str(tmp_path / "ICDitems_20260101.txt")),
    ]

    assert [one.stdout.partition("\n")[0] for one in loaded] == [
        "Loaded jlac10 202604",
        "Loaded receipt 20260601",
        "Loaded icd10 20260101",
    ]
    assert renkei("terminology", "list").output == "jlac10\t202604\t1\nreceipt\t20260601\t1\nicd10\t20260101\t1\n"


_NAMES = ("分析物名称", "識別名称", "材料名称", "測定法名称", "結果識別（共通）名称")
_LABORATORY = ["9Z001000002327101", "ためし蛋白", "", "血清", "ためし法", "定量値"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["disease"], 1, "MEDIS20260930.TXT, line 1: 20 columns are expected, there are 24"),
        (["hot", "--version", "../x"], 2, "A version is letters"),
        (["snomed"], 2, "Invalid value for '{"),
    ],
    ids=["another master", "a path as version", "an unknown kind"],
)
def test_what_cannot_be_loaded_is_refused(
    renkei: Renkei, hot: Path, arguments: list[str], code: int, words: str
) -> None:
    refused = renkei("terminology", "load", *arguments, str(hot))

    assert refused.exit_code == code
    assert words in refused.stderr
    assert renkei("package", "list").output == ""


def test_files_of_which_nothing_is_left_do_not_replace_what_is_loaded(renkei: Renkei, hot: Path) -> None:
    renkei("terminology", "load", "hot", str(hot))
    newer = hot.with_name("MEDIS20261031.TXT")
    newer.write_bytes(text(HOT_COLUMNS, a_hot_row("9")))

    refused = renkei("terminology", "load", "hot", str(newer), "--skip-faulty")

    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (1, "Error: There is no row that can be taken")
    assert renkei("terminology", "list").output == "hot\t20260930\t5\n"


def test_a_file_that_is_no_table_is_refused(renkei: Renkei, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04")

    refused = renkei("terminology", "load", "hot", str(tmp_path / "x.zip"))

    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        1,
        "Error: x.zip: the archive cannot be read: File is not a zip file",
    )
