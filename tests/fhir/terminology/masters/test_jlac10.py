"""JLAC10, on invented rows in the layouts of its publishers."""

import pytest

from fhir.terminology.masters import jlac10
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import a_table, codes, displays, made, properties

GROUPS = ("分析物", "識別", "材料", "測定法", "結果識別（共通）")
TOP = ["", "", "JLAC10コード（17桁）", *(cell for one in GROUPS for cell in (one, "", "")), "標準検査名称"]
BELOW = ["", "", "", *("拡張", "コード", "名称") * len(GROUPS), ""]


def a_row(code: str, *names: str) -> list[str]:
    """A row of the table of 17 digits; the names of its five elements."""
    parts = (code[:5], code[5:9], code[9:12], code[12:15], code[15:])
    return ["", "1", code, *(cell for part, name in zip(parts, names, strict=True) for cell in ("", part, name)), ""]


CODES = [
    ["臨床検査マスター"],
    TOP,
    BELOW,
    a_row("9Z001000002327101", "ためし蛋白", "", "血清", "ためし法", "定量値"),
    a_row("9Z0010000001999911"[:17], "ためし蛋白", "", "尿", "", ""),
    [],
    TOP,
    BELOW,
    a_row("9Z0020000023998041"[:17], "あたらしい酵素", "", "血清", "", "定量値"),
]


def test_codes_lie_below_their_analytes():
    found = made(jlac10.make, a_table("17桁コード表", *CODES), source=Source("202604"))

    concepts = found["master-JLAC10-17digits"]["concept"]
    assert [(one["code"], one["display"], len(one["concept"])) for one in concepts] == [
        ("9Z001", "ためし蛋白", 2),
        ("9Z002", "あたらしい酵素", 1),
    ]
    assert properties(concepts[0]) == {"notSelectable": True}
    assert found["master-JLAC10-17digits"]["content"] == "complete"


def test_a_code_says_what_it_is_made_of():
    found = made(jlac10.make, a_table("17桁コード表", *CODES), source=Source("202604"))

    one = codes(found["master-JLAC10-17digits"])["9Z001000002327101"]
    assert one["display"] == "ためし蛋白 / 血清 / ためし法 / 定量値"
    assert properties(one) == {
        "analyte": "9Z001",
        "identification": "0000",
        "material": "023",
        "method": "271",
        "result": "01",
    }


def test_a_table_with_one_line_of_names_does_as_well():
    header = [
        "JLAC10コード（１７桁）",
        "分析物（名称）",
        "識別（名称）",
        "材料（名称）",
        "測定法（名称）",
        "結果識別（共通）（名称）",
    ]
    row = ["9Z0010000023271001"[:17], "ためし蛋白", "", "血清", "ためし法", "定量値"]

    found = made(jlac10.make, a_table("jlac10.csv", header, row), source=Source("202604"))

    assert displays(found["master-JLAC10-17digits"])["9Z001"] == "ためし蛋白"


ANALYTES = [
    ["分析物コード表"],
    [],
    [],
    [],
    ["分類", "分類名", "コード", "名称"],
    ["9Z", "ためし", "9Z001", "ためし蛋白質"],
    ["", "", "9Z009", "まれな物"],
]


def test_the_tables_of_elements_name_analytes_and_are_systems_of_their_own():
    materials = [["材料コード表"], ["", "", "", "", "", "023", "血清"], ["", "", "", "", "", "1", "短い"], [""]]
    source = Source("202604")

    found = made(
        *(
            jlac10.make,
            a_table("分析物コード", *ANALYTES),
            a_table("材料コード ", *materials),
            a_table("17桁コード表", *CODES),
        ),
        source=source,
    )

    names = displays(found["master-JLAC10-17digits"])
    assert (names["9Z001"], names["9Z009"]) == ("ためし蛋白質", "まれな物")
    assert displays(found["jlac10-material"]) == {"023": "血清"}
    assert source.faults.listed == [r"材料コード , line 3: column 6 (コード): '1' is not of the form \d{3}"]


def test_analytes_alone_are_a_fragment_of_the_system():
    found = made(jlac10.make, a_table("分析物コード", *ANALYTES), source=Source("202604"))

    assert found["master-JLAC10-17digits"]["content"] == "fragment"
    assert list(codes(found["master-JLAC10-17digits"])) == ["9Z001", "9Z009"]


def test_rows_that_cannot_be_taken_are_named():
    rows = [
        *CODES,
        a_row("9Z0010000023-7101", "x", "", "", "", ""),
        a_row("9Z0030000023271001"[:17], "", "", "", "", ""),
        CODES[3],
    ]
    source = Source("202604")

    made(jlac10.make, a_table("17桁コード表", *rows), source=source)

    assert source.faults.listed == [
        "17桁コード表, line 10: column 3 (JLAC10コード（17桁）): '9Z0010000023-7101' is not of the form [0-9A-Z]{17}",
        "17桁コード表, line 11: the analyte of 9Z003000002327100 has no name",
        "17桁コード表, line 12: the code 9Z001000002327101 is there already",
    ]


def test_other_sheets_are_not_used():
    source = Source("202604")

    made(
        jlac10.make,
        a_table("医科診療行為マスター", ["0", "S", "160000110"]),
        a_table("17桁コード表", *CODES),
        source=source,
    )

    assert source.unused == ["医科診療行為マスター"]


def test_a_table_without_the_names_of_analytes_is_refused():
    with pytest.raises(UnknownLayout, match="17桁コード表, line 1: there is no column 分析物名称"):
        made(jlac10.make, a_table("17桁コード表", ["JLAC10コード（17桁）", "名前"], ["9Z001000002327101", "x"]))
