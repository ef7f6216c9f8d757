"""The master of diseases, on invented rows in the layout of its publisher."""

import pytest

from fhir.terminology.masters import disease
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import (
    a_disease,
    a_modifier,
    a_table,
    an_index_term,
    codes,
    displays,
    made,
    others,
    properties,
    targets,
)


def test_a_name_becomes_a_key_number_with_its_facts():
    row = a_disease("90000001", "ためし病", "ZZ01", "E119", reading="タメシビョウ", short="ためし", adoption="2")

    found = made(disease.make, a_table("nmain599.txt", row))

    one = codes(found["master-disease-keyNumber"])["90000001"]
    assert one["display"] == "ためし病"
    assert others(one) == [("short", "ためし"), ("reading", "タメシビョウ")]
    assert properties(one) == {"adoption": "2"}


def test_names_that_mean_the_same_share_an_exchange_code_named_by_the_recommended_one():
    rows = [
        a_disease("90000002", "ためし症", "ZZ01", adoption="3"),
        a_disease("90000001", "ためし病", "ZZ01", adoption="1"),
        a_disease("90000003", "むかしのためし病", "ZZ01", adoption="1", change="1"),
    ]

    found = made(disease.make, a_table("nmain599.txt", *rows))

    one = codes(found["master-disease-exCode"])["ZZ01"]
    assert one["display"] == "ためし病"
    assert others(one) == [("synonym", "ためし症"), ("synonym", "むかしのためし病")]
    assert "property" not in one
    assert targets(found["disease-exchange-key"]) == {
        "ZZ01": [("90000002", "equivalent"), ("90000001", "equivalent"), ("90000003", "equivalent")]
    }


def test_key_numbers_lead_to_icd_10_of_2013_and_to_claims():
    rows = [
        a_disease("90000001", "ためし病", "ZZ01", "E119", receipt="9900001"),
        a_disease("90000002", "ためし病性眼症", "ZZ02", "E11.3", second="H360*"),
        a_disease("90000003", "なぞの病", "ZZ03"),
    ]

    found = made(disease.make, a_table("nmain599.txt", *rows))

    assert targets(found["disease-key-icd10"]) == {
        "90000001": [("E119", "wider")],
        "90000002": [("E113", "wider"), ("H360", "wider")],
    }
    assert targets(found["disease-key-receipt"]) == {"90000001": [("9900001", "equivalent")]}
    assert found["disease-key-icd10"]["group"][0]["target"].endswith("/ICD10-2013-full")


def test_a_claim_s_code_with_modifiers_and_a_number_that_moved_nowhere_lead_nowhere():
    rows = [
        a_disease("90000001", "急性ためし病", "ZZ01", receipt="9900001 9001"),
        a_disease("90000002", "ためし症", "ZZ02", replaced="90000002"),
        a_disease("90000003", "ためし病", "ZZ03", replaced="00000000"),
    ]

    found = made(disease.make, a_table("nmain599.txt", *rows))

    assert "disease-key-receipt" not in found
    assert [properties(one) for one in codes(found["master-disease-keyNumber"]).values()] == [{"adoption": "1"}] * 3


def test_a_row_with_a_wrong_cell_is_named_and_left_out():
    rows = [a_disease("90000001", "ためし病", "ZZ01", "E1"), a_disease("90000002", "ほかの病", "ZZ02", "E119")]
    source = Source()

    found = made(disease.make, a_table("nmain599.txt", rows[1], rows[0]), source=source)

    assert [one.partition(" is not")[0] for one in source.faults.listed] == [
        "nmain599.txt, line 2: column 7 (ＩＣＤ１０‐２０１３): 'E1'"
    ]
    assert list(codes(found["master-disease-keyNumber"])) == ["90000002"]


def test_a_name_that_moved_is_withdrawn_and_says_whereto():
    rows = [
        a_disease("90000001", "あたらしい病", "ZZ01"),
        a_disease("90000002", "ふるい病", "ZZ01", replaced="90000001"),
        a_disease("90000003", "きえた病", "ZZ02", change="9"),
    ]

    found = made(disease.make, a_table("nmain599.txt", *rows))

    keys = codes(found["master-disease-keyNumber"])
    assert properties(keys["90000002"]) == {"inactive": True, "adoption": "1", "replacedBy": "90000001"}
    assert properties(keys["90000003"])["inactive"] is True
    assert properties(codes(found["master-disease-exCode"])["ZZ02"]) == {"inactive": True}


def test_modifiers_and_the_index_go_with_it():
    tables = [
        a_table("index599.txt", an_index_term("ためしやまい", "ZZ01"), an_index_term("きゅう", "Z9", "2")),
        a_table("mdfy599.txt", a_modifier("97000001", "急性ためし", "Z999", "9001", position="12")),
        a_table("nmain599.txt", a_disease("90000001", "ためし病", "ZZ01")),
        a_table("index599b.txt", an_index_term("キュウセイ", "Z999", "2"), an_index_term("どこにもない", "QQQQ")),
    ]
    source = Source()

    found = made(disease.make, *tables, source=source)

    assert source.faults.listed == [
        "index599.txt, line 2: column 2 (対応用語コード): 'Z9' is not of the form [0-9A-Z]{4,9}"
    ]
    assert others(codes(found["master-disease-exCode"])["ZZ01"]) == [("synonym", "ためしやまい")]
    assert displays(found["master-disease-modKeyNumber"]) == {"97000001": "急性ためし"}
    assert properties(codes(found["master-disease-modKeyNumber"])["97000001"]) == {"position": "12"}
    assert others(codes(found["master-disease-modExCode"])["Z999"]) == [("synonym", "キュウセイ")]
    assert targets(found["modifier-key-receipt"]) == {"97000001": [("9001", "equivalent")]}
    assert targets(found["modifier-exchange-key"]) == {"Z999": [("97000001", "equivalent")]}


def test_a_number_that_is_there_twice_is_named():
    rows = [a_disease("90000001", "ためし病", "ZZ01"), a_disease("90000001", "ほかの病", "ZZ02")]
    source = Source()

    made(disease.make, a_table("nmain599.txt", *rows), source=source)

    assert source.faults.listed == ["nmain599.txt, line 2: the number 90000001 is there already"]


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            [a_table("nmain300.txt", a_disease("90000001", "病", "ZZ01")[:18])],
            "line 1: 20 columns are expected, there are 18",
        ),
        ([a_table("nmain599.txt", a_disease("9000", "病", "ZZ01"))], r"line 1, column 2 \(病名管理番号\): '9000'"),
        ([a_table("mdfy599.txt", a_modifier("97000001", "急性", "Z999"))], "The table of diseases"),
        ([a_table("nmain599.txt")], "nmain599.txt: the table is empty"),
        ([], "There is no table"),
    ],
    ids=["an older edition", "another table", "modifiers alone", "empty", "nothing"],
)
def test_another_layout_is_refused(tables, words):
    with pytest.raises(UnknownLayout, match=words):
        made(disease.make, *tables)
