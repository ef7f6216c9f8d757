"""A master as a package, from files."""

import json
from pathlib import Path

import pytest

from app.terminology.master import read_master
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import HOT_COLUMNS, a_hot_row, a_workbook, a_zip, text


def a_hot_file(path: Path, *rows: list[str]) -> Path:
    path.write_bytes(text(HOT_COLUMNS, *rows))
    return path


def test_a_package_holds_the_resources_in_its_version(tmp_path):
    path = a_hot_file(tmp_path / "MEDIS20260930.TXT", a_hot_row("9000001010101", "9990001F1010"))

    package = read_master("hot", [path], "", [].append).package

    assert (package.name, package.version, package.dependencies) == ("renkei.terminology.hot", "20260930", {})
    for one in package.resources:
        body = json.loads(one.body)
        assert (one.type, one.url, one.version) == (body["resourceType"], body["url"], body["version"])
        assert body["version"] == "20260930"


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [("MEDIS20260930.TXT", "2026.9", "2026.9"), ("MEDIS20260930.TXT", "", "20260930"), ("hot.txt", "", "20260815")],
    ids=["the operator's", "the name's", "the rows'"],
)
def test_the_version_is_the_operator_s_the_name_s_or_the_rows(tmp_path, name, version, said):
    path = a_hot_file(tmp_path / name, a_hot_row("900000101", date="20260815"))

    assert read_master("hot", [path], version, [].append).package.version == said


def test_the_same_files_make_the_same_bytes(tmp_path):
    rows = [a_hot_row(f"9000{number:03}01", f"9990{number:03}F1010") for number in range(50)]
    path = a_hot_file(tmp_path / "MEDIS20260930.TXT", *rows)

    first, second = (read_master("hot", [path], "", [].append).package for _ in range(2))

    assert first == second


def test_progress_is_told_and_tables_that_are_not_used_are_named(tmp_path):
    rows = [a_hot_row(f"9{number:06}01", f"9{number:06}F1010") for number in range(2_500)]
    content = text(HOT_COLUMNS, *rows)
    path = a_zip(tmp_path / "MEDIS20260930.zip", MEDIS20260930_dot_TXT=content, readme_dot_txt=b"read me\n")
    told: list[int] = []

    master = read_master("hot", [path], "", told.append)

    assert told == [1_000, 2_000]
    assert (master.rows, master.faults.count) == (2_501, 0)
    assert master.unused == ["MEDIS20260930.zip: readme.txt"]


def test_both_workbooks_of_laboratory_tests_go_together(tmp_path):
    names = ("分析物名称", "識別名称", "材料名称", "測定法名称", "結果識別（共通）名称")
    code = ["9Z001000002327101", "ためし蛋白", "", "血清", "ためし法", "定量値"]
    large = a_workbook(
        tmp_path / "a.xlsx", {"17桁コード表": [["JLAC10コード（17桁）", *names], code], "改訂履歴": [["x"]]}
    )
    small = a_workbook(tmp_path / "b_202604.xlsx", {"分析物コード": [[""] * 2 + ["9Z001", "ためし蛋白質"]]})

    master = read_master("jlac10", [large, small], "", [].append)

    system = json.loads(master.package.resources[0].body)
    assert [(one["code"], one["display"], len(one["concept"])) for one in system["concept"]] == [
        ("9Z001", "ためし蛋白質", 1)
    ]
    assert (master.package.version, master.unused) == ("202604", ["a.xlsx: 改訂履歴"])


def test_a_folder_of_the_wrong_files_is_refused(tmp_path):
    with pytest.raises(UnknownLayout, match="There is no table in these files"):
        read_master("hot", [a_zip(tmp_path / "z.zip", a_dot_pdf=b"%PDF")], "1", [].append)
