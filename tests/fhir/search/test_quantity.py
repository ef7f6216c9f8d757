import pytest

from fhir.errors import InvalidValue
from fhir.search import quantity
from fhir.search.hashing import hash64
from fhir.search.number import HIGHEST, LOWEST
from fhir.search.values import QuantityValue

UCUM = "http://unitsofmeasure.org"


def rows(value, type_name="Quantity"):
    return quantity.EXTRACTORS[type_name](value)


def test_a_quantity_is_found_by_each_way_to_name_its_unit():
    value = {"value": 6.3, "unit": "mmol/l", "system": UCUM, "code": "mmol/L"}

    assert rows(value) == [
        (0, 6.3, 6.3),
        (hash64(f"{UCUM}|mmol/L"), 6.3, 6.3),
        (hash64("|mmol/L"), 6.3, 6.3),
        (hash64("|mmol/l"), 6.3, 6.3),
    ]


@pytest.mark.parametrize(
    ("value", "units"),
    [
        ({"value": 1}, [0]),
        ({"value": 1, "unit": "錠"}, [0, hash64("|錠")]),
        ({"value": 1, "unit": "mg", "code": "mg"}, [0, hash64("|mg")]),
        ({"value": 1, "system": UCUM}, [0]),
        ({"unit": "mg"}, []),
    ],
    ids=["no unit", "unit only", "unit is the code", "system only", "no value"],
)
def test_a_unit_that_is_not_there_gives_no_row(value, units):
    assert [unit for unit, _, _ in rows(value)] == units


@pytest.mark.parametrize(
    ("comparator", "lo", "hi"),
    [("<", LOWEST, 5.0), ("<=", LOWEST, 5.0), (">", 5.0, HIGHEST), (">=", 5.0, HIGHEST), ("ad", 5.0, 5.0)],
)
def test_a_comparator_opens_the_range(comparator, lo, hi):
    assert rows({"value": 5, "comparator": comparator}) == [(0, lo, hi)]


def test_an_age_and_a_duration_are_quantities():
    assert rows({"value": 52}, "Age") == rows({"value": 52}, "Duration") == [(0, 52.0, 52.0)]


def test_money_is_found_by_its_currency():
    assert rows({"value": 1200, "currency": "JPY"}, "Money") == [
        (0, 1200.0, 1200.0),
        (hash64("urn:iso:std:iso:4217|JPY"), 1200.0, 1200.0),
        (hash64("|JPY"), 1200.0, 1200.0),
    ]
    assert rows({"currency": "JPY"}, "Money") == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"low": {"value": 1, "unit": "a"}, "high": {"value": 2, "unit": "a"}},
            [(0, 1.0, 2.0), (hash64("|a"), 1.0, 2.0)],
        ),
        ({"high": {"value": 2, "unit": "a"}}, [(0, LOWEST, 2.0), (hash64("|a"), LOWEST, 2.0)]),
        ({}, []),
    ],
)
def test_a_range_is_in_the_unit_of_its_ends(value, expected):
    assert rows(value, "Range") == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5.4", QuantityValue("eq", 5.35, 5.45, 5.4, 0)),
        ("gt5.4||mg", QuantityValue("gt", 5.35, 5.45, 5.4, hash64("|mg"))),
        (f"le5.4|{UCUM}|mg", QuantityValue("le", 5.35, 5.45, 5.4, hash64(f"{UCUM}|mg"))),
        ("5.4||", QuantityValue("eq", 5.35, 5.45, 5.4, 0)),
        ("ap100||mg", QuantityValue("ap", 90.0, 110.0, 100.0, hash64("|mg"))),
    ],
    ids=["any unit", "code or unit", "system and code", "empty unit", "about"],
)
def test_a_query_is_a_number_and_perhaps_a_unit(text, value):
    assert quantity.parse(text) == value


@pytest.mark.parametrize("text", ["", "mg", "5|mg", f"5|{UCUM}|", "5|a|b|c", "|a|b"])
def test_another_form_is_refused(text):
    with pytest.raises(InvalidValue):
        quantity.parse(text)
