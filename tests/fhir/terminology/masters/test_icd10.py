"""ICD-10 from lists of codes and names; the names are invented."""

import pytest

from fhir.terminology.masters import icd10
from fhir.terminology.masters.icd10 import without_point
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import a_table, codes, made, properties


def below(concepts):
    """The codes, each with those below it."""
    return {one["code"]: below(one["concept"]) if "concept" in one else {} for one in concepts}


def test_what_is_below_what_follows_from_the_codes():
    rows = [
        *[("A00-B99", "第一章"), ("A00-A09", "腸の節"), ("A00", "病A"), ("A00.0", "病A0"), ("A01", "病B")],
        *[("B99-B99", "終わりの節"), ("B99", "病Z"), ("C00-D48", "第二章"), ("F15.-a", "細分")],
        *[("F15", "病F"), ("S00", "節のない病"), ("S00.01", "その下")],
    ]

    found = made(icd10.make, a_table("ICDitems_20260101.txt", *rows), source=Source("20260101"))

    system = found["ICD10-2013-full"]
    assert below(system["concept"]) == {
        "A00-B99": {"A00-A09": {"A00": {"A000": {}}, "A01": {}}, "B99-B99": {"B99": {}}},
        "C00-D48": {},
        "F15": {"F15-a": {}},
        "S00": {"S0001": {}},
    }
    assert system["hierarchyMeaning"] == "is-a"


def test_chapters_and_blocks_only_group():
    rows = [("A00-B99", "第一章"), ("A00-A09", "腸の節"), ("A00", "病A")]

    found = codes(made(icd10.make, a_table("ICDitems_1.txt", *rows), source=Source("1"))["ICD10-2013-full"])

    assert [properties(one) for one in found.values()] == [{"notSelectable": True}, {"notSelectable": True}, {}]


@pytest.mark.parametrize(
    "header",
    [("コード", "名称"), ("分類コード", "項目名"), ("ＩＣＤ－１０コード", "分類名"), ("Code", "Title")],
    ids=["short", "long", "full width", "English"],
)
def test_a_header_line_is_followed_wherever_its_columns_are(header):
    rows = [("基本分類表", "", ""), ("章", *header), ("1", "A00", "病A"), ("1", "A00.0", "病A0")]

    found = made(icd10.make, a_table("list.csv", *rows), source=Source("2013"))

    assert list(codes(found["ICD10-2013-full"])) == ["A00", "A000"]


def test_disease_numbers_and_the_root_of_the_list_are_no_codes_of_icd_10():
    rows = [("1", "ICD"), ("A00", "病A"), ("20050004", "病名"), ("A00", "病A"), ("A00", "ほかの名"), ("AB0", "なに")]
    source = Source("1")

    found = made(icd10.make, a_table("ICDitems_1.txt", *rows), source=source)

    assert list(codes(found["ICD10-2013-full"])) == ["A00"]
    assert source.faults.listed == [
        "ICDitems_1.txt, line 5: the code A00 is there already, with another name",
        "ICDitems_1.txt, line 6: 'AB0' is no code of ICD-10",
    ]


def test_a_list_that_names_no_version_needs_one():
    with pytest.raises(UnknownLayout, match="say it with --version"):
        made(icd10.make, a_table("list.csv", ("A00", "病A")))


@pytest.mark.parametrize(
    ("code", "written"), [("A00.0", "A000"), ("A17.0†", "A170"), ("H36.0*", "H360"), ("A00", "A00")]
)
def test_codes_are_written_without_point_and_mark(code, written):
    assert without_point(code) == written


def test_a_list_of_which_no_row_can_be_taken_says_so():
    with pytest.raises(
        UnknownLayout, match=r"1 cannot be taken, the first of them list\.csv, line 1: 'AB0' is no code"
    ):
        made(icd10.make, a_table("list.csv", ("AB0", "病A")))
