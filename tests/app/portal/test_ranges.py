from typing import Any

import pytest

from app.portal.ranges import NOBODY, Subject, fit, told
from app.portal.values import interpretation

MAN, WOMAN = Subject("male", "1960-01-02"), Subject("female", "1960-01-02")
CHILD = Subject("male", "2014-06-01")
DAY = "2024-05-01"


def sex(code: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": "http://hl7.org/fhir/administrative-gender", "code": code}]}]


def years(low: int | None, high: int | None) -> dict[str, Any]:
    ends = {"low": low, "high": high}
    return {side: {"value": one, "unit": "歳"} for side, one in ends.items() if one is not None}


ADULTS_BY_SEX = [
    {"low": {"value": "13.7"}, "high": {"value": "16.8"}, "appliesTo": sex("male")},
    {"low": {"value": "11.6"}, "high": {"value": "14.8"}, "appliesTo": sex("female")},
    {"low": {"value": "11.0"}, "high": {"value": "15.0"}, "age": years(None, 14)},
    {"low": {"value": "7.0"}, "type": {"coding": [{"code": "treatment"}]}},
]


@pytest.mark.parametrize(
    ("who", "chosen"),
    [(MAN, 0), (WOMAN, 1), (Subject("", ""), None), (Subject("other", "1960-01-02"), None), (CHILD, 0)],
)
def test_the_range_is_the_one_for_the_person(who: Subject, chosen: int | None) -> None:
    assert fit({"referenceRange": ADULTS_BY_SEX}, who, DAY) == chosen


def test_the_range_that_says_most_is_taken() -> None:
    both = [*ADULTS_BY_SEX, {"low": {"value": "11.5"}, "age": years(6, 14), "appliesTo": sex("male")}]

    assert fit({"referenceRange": both}, CHILD, DAY) == 4
    assert fit({"referenceRange": both}, CHILD, "2030-01-01") == 0


@pytest.mark.parametrize(
    ("ranges", "chosen"),
    [
        ([], None),
        ([{"text": "陰性"}], 0),
        ([{"type": {"coding": [{"code": "normal"}]}, "low": {"value": 1}}], 0),
        ([{"type": {"coding": [{"code": "critical"}]}, "low": {"value": 1}}, {"low": {"value": 2}}], 1),
        ([{"type": {"text": "treatment"}, "low": {"value": 1}}], None),
        ([{"age": {"low": {"value": "x"}}, "low": {"value": 1}}], None),
    ],
)
def test_of_a_person_who_is_not_known_only_what_is_for_all_fits(ranges: list[Any], chosen: int | None) -> None:
    assert fit({"referenceRange": ranges}, NOBODY, DAY) == chosen


@pytest.mark.parametrize(
    ("value", "who", "flag"),
    [
        ({"value": "13.0"}, MAN, "L"),
        ({"value": "13.0"}, WOMAN, ""),
        ({"value": "15.5"}, WOMAN, "H"),
        ({"value": "15.5"}, NOBODY, ""),
        ({"value": "11.0", "comparator": "<"}, WOMAN, "L"),
        ({"value": "12.0", "comparator": "<"}, WOMAN, ""),
        ({"value": "14.8", "comparator": ">"}, WOMAN, "H"),
        ({"value": "13.0", "comparator": ">"}, WOMAN, ""),
        ({"value": "20.0", "comparator": "<"}, WOMAN, ""),
    ],
)
def test_a_flag_follows_the_range_of_the_person(value: dict[str, str], who: Subject, flag: str) -> None:
    observation = {"valueQuantity": value | {"unit": "g/dL"}, "referenceRange": ADULTS_BY_SEX}

    assert interpretation(observation, who, DAY) == flag


def test_a_range_in_another_unit_is_converted_or_says_nothing() -> None:
    def flag(unit: str) -> str:
        ends = {"high": {"value": "0.168", "unit": unit}}
        return interpretation({"valueQuantity": {"value": "17", "unit": "g/dL"}, "referenceRange": [ends]})

    assert [flag("kg/L"), flag("mmol/L"), flag("何か")] == ["H", "", ""]


def test_a_range_is_told_with_what_it_is_for() -> None:
    assert [told(one) for one in ADULTS_BY_SEX] == [
        "13.7–16.8 (male)",
        "11.6–14.8 (female)",
        "11.0–15.0 (–14歳)",
        "≥ 7.0 (treatment)",
    ]
