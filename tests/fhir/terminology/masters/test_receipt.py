"""The masters of claims, on invented rows in the layouts of their publisher."""

from fhir.terminology.masters import receipt
from fhir.terminology.masters.master import Source
from tests.masters import (
    a_receipt_disease,
    a_receipt_modifier,
    a_table,
    codes,
    displays,
    made,
    others,
    properties,
    targets,
)


def test_a_code_has_its_names_its_key_number_and_its_icd_10():
    row = a_receipt_disease(
        "9900001", "ためし病", short="ためし", reading="タメシ", key="90000001", icd10="E119", second="H360"
    )

    found = made(receipt.make, a_table("b_20260601.txt", row))

    one = codes(found["masterB-disease"])["9900001"]
    assert (one["display"], others(one)) == ("ためし病", [("short", "ためし"), ("reading", "タメシ")])
    assert properties(one) == {"key": "90000001"}
    assert targets(found["receipt-disease-icd10"]) == {"9900001": [("E119", "wider"), ("H360", "wider")]}


def test_modifiers_are_a_system_of_their_own():
    found = made(receipt.make, a_table("z_20260601.txt", a_receipt_modifier("9001", "急性ためし")))

    assert list(found) == ["masterZ-disease-modifier"]
    assert displays(found["masterZ-disease-modifier"]) == {"9001": "急性ためし"}


def test_a_code_is_withdrawn_from_the_day_on_which_it_is_abolished():
    rows = [
        a_receipt_disease("9900001", "ある病"),
        a_receipt_disease("9900002", "もうない病", ended="20260331"),
        a_receipt_disease("9900003", "じきない病", ended="20270331"),
        a_receipt_disease("9900004", "抹消された病", change="1", replaced="9900001"),
        a_receipt_disease("9900005", "日付のない病", ended="00000000", replaced="9900005"),
    ]

    found = made(receipt.make, a_table("b_x.txt", *rows), source=Source("20260601"))

    assert [properties(one) for one in codes(found["masterB-disease"]).values()] == [
        {},
        {"inactive": True, "abolished": "20260331"},
        {"abolished": "20270331"},
        {"inactive": True, "replacedBy": "9900001"},
        {},
    ]


def test_a_code_that_is_there_twice_is_named():
    source = Source()

    made(receipt.make, a_table("b_x.txt", *[a_receipt_disease("9900001", "ためし病")] * 2), source=source)

    assert source.faults.listed == ["b_x.txt, line 2: the code 9900001 is there already"]
