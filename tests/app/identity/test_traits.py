"""What is read off a Patient; what is malformed is as if it were not there."""

from typing import Any

import pytest

from app.identity.insurance import Insurance
from app.identity.keys import MOST, keys
from app.identity.traits import Name, traits
from tests.identity import MEMBER_ID, names, someone

CORE = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/"
OID = "urn:oid:1.2.392.100495.20.3."


def insured(*identifiers: tuple[str, str]) -> tuple[Insurance, ...]:
    stated = [{"system": system, "value": value} for system, value in identifiers]
    return traits({"identifier": stated}).insurance


@pytest.mark.parametrize(
    "value",
    ["00012345:あいう:187:05", "00012345:あいう:１８７:05", "00012345：あいう：０187:５", "12345:あいう:187:05"],
)
def test_insurance_numbers_are_folded(value: str) -> None:
    found = insured((MEMBER_ID, value))

    assert found in ((Insurance("00012345", "あいう", "187", "05"),), ())
    assert (found == ()) == value.startswith("12345")


def test_the_parts_of_jp_core_make_the_same_number_by_address_and_by_oid() -> None:
    parts = (
        ("InsurerNumber", "61", "00012345"),
        ("InsuredPersonSymbol", "62", "あいう"),
        ("InsuredPersonNumber", "63", "187"),
    )

    by_address = insured(*((CORE + name, value) for name, _, value in parts), (f"{CORE}InsuredPersonSubnumber", "5"))
    by_oid = insured(*((OID + number, value) for _, number, value in parts))

    assert by_address == (Insurance("00012345", "あいう", "187", "05"),)
    assert by_oid == (Insurance("00012345", "あいう", "187", ""),)


def test_only_a_branch_or_an_insurer_of_the_elderly_makes_a_number_one_persons() -> None:
    found = insured((MEMBER_ID, "00012345:1:2:"), (MEMBER_ID, "00012345:1:2:03"), (MEMBER_ID, "39010006::2:"))

    assert [one.single for one in found] == [False, True, True]


def test_names_are_told_apart_by_extension_or_by_their_characters() -> None:
    stated = [{"text": "髙橋　喜一郎"}, {"text": "ﾀｶﾊｼ ｷｲﾁﾛｳ"}, {"family": "TAKAHASHI", "given": ["Kiichiro"]}]

    found = traits({"name": stated})

    assert found.kanji == (Name("髙橋", "喜一郎"),)
    assert found.kana == (Name("タカハシ", "キイチロウ"),)
    assert found.letters == (frozenset({"takahashi", "kiichiro"}),)


def test_former_names_are_not_present_ones() -> None:
    stated = [
        *names("佐藤 花子", "サトウ ハナコ"),
        {"use": "maiden", "family": "髙橋"},
        {"family": "鈴木", "period": {"end": "2020"}},
    ]

    found = traits({"name": stated})

    assert found.kanji == (Name("佐藤", "花子"),)
    assert found.former == {"高橋", "鈴木"}


@pytest.mark.parametrize("given", ["ベビー", "ベビーA", "ﾍﾞﾋﾞｰ", "新生児", "男児"])
def test_a_newborn_is_known_by_its_placeholder(given: str) -> None:
    assert traits({"name": [{"family": "佐藤", "given": [given]}]}).newborn


@pytest.mark.parametrize(
    "patient",
    [
        {"name": "x", "identifier": {}, "telecom": 3, "address": None, "birthDate": 1951, "gender": []},
        {"name": [None, 1, {"family": 2, "given": "x", "extension": "y", "period": "z", "text": 5}]},
        {"identifier": [{"system": 1, "value": 2}, {"system": MEMBER_ID, "value": ":::"}, {"value": "x"}]},
        {"address": [{"line": "x", "postalCode": 3, "text": []}], "telecom": [{"system": "phone", "value": {}}]},
        {"birthDate": "1951-03", "gender": "unknown"},
    ],
)
def test_what_is_malformed_is_not_there(patient: dict[str, Any]) -> None:
    found = traits(patient)

    assert (found.birth, found.sex, found.insurance, found.phones) == ("", "", (), frozenset())
    assert keys(found) == []


def test_keys_are_few_and_the_same_for_one_person_written_otherwise() -> None:
    one = keys(traits(someone()))
    other = keys(traits(someone("高橋 喜一郎", "たかはし きいちろー", phone="+81 11 222 3456")))
    many = keys(
        traits({"birthDate": "1951-03-08", "name": [{"family": f"姓{n}", "given": [f"名{n}"]} for n in range(500)]})
    )

    assert set(one) == set(other)
    assert len(many) == MOST
