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
        (f"le5.4|{UCUM}|TAB", QuantityValue("le", 5.35, 5.45, 5.4, hash64(f"{UCUM}|TAB"))),
        ("le5.4|urn:x|mg", QuantityValue("le", 5.35, 5.45, 5.4, hash64("urn:x|mg"))),
        ("5.4||", QuantityValue("eq", 5.35, 5.45, 5.4, 0)),
        ("ap100||mg", QuantityValue("ap", 90.0, 110.0, 100.0, hash64("|mg"))),
    ],
    ids=["any unit", "code or unit", "no unit of UCUM", "system and code", "empty unit", "about"],
)
def test_a_query_is_a_number_and_perhaps_a_unit(text, value):
    assert quantity.parse(text) == value


@pytest.mark.parametrize("text", ["", "mg", "5|mg", f"5|{UCUM}|", "5|a|b|c", "|a|b"])
def test_another_form_is_refused(text):
    with pytest.raises(InvalidValue):
        quantity.parse(text)


def converted(text):
    """Return what is asked in each unit by the unit's hash: lo, hi, value."""
    value = quantity.parse(text)
    return {value.unit_hash: (value.lo, value.hi, value.value)} | {unit: found for *found, unit in value.others}


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("0.0054|{}|g", "mg", [5.35, 5.45, 5.4]),
        ("0.0054|{}|g", "ug", [5350, 5450, 5400]),
        ("100|{}|mg/dL", "g/L", [0.995, 1.005, 1]),
        ("6.3|{}|10*3/uL", "10*9/L", [6.25, 6.35, 6.3]),
        ("63|{}|10*2/uL", "10*3/uL", [6.25, 6.35, 6.3]),
        ("6300|{}|/uL", "10*3/uL", [6.2995, 6.3005, 6.3]),
        ("37.0|{}|Cel", "K", [310.1, 310.2, 310.15]),
        ("310.15|{}|K", "Cel", [36.995, 37.005, 37]),
        ("98.6|{}|[degF]", "Cel", [pytest.approx(36.97, abs=0.003), pytest.approx(37.03, abs=0.003), 37]),
        ("ap100|{}|mg", "g", [0.09, 0.11, 0.1]),
        ("16.0|{}|kPa", "mm[Hg]", [pytest.approx(one, abs=0.001) for one in (119.635, 120.385, 120.010)]),
        ("1|{}|wk", "d", [3.5, 10.5, 7]),
        ("5|{}|k[IU]/L", "[IU]/mL", [4.5, 5.5, 5]),
        ("60|{}|U/L", "ukat/L", [pytest.approx(0.9917, abs=0.001), pytest.approx(1.0083, abs=0.001), 1]),
        ("42|{}|%", "1", [0.415, 0.425, 0.42]),
    ],
)  # fmt: skip
def test_a_unit_of_ucum_finds_what_measures_the_same(text, unit, expected):
    found = converted(text.format(UCUM))

    assert list(found[hash64(f"{UCUM}|{unit}")]) == expected


@pytest.mark.parametrize(
    ("unit", "others"),
    [
        ("[IU]", ["U", "mg", "[arb'U]", "1"]),
        ("mmol/L", ["mg/dL", "meq/L", "mosm/L", "10*3/uL", "U/L"]),
        ("meq/L", ["mmol/L"]),
        ("g", ["mL", "mol", "N", "kg/m2"]),
        ("Cel", ["J", "d"]),
        ("[pH]", ["1", "mol/L"]),
        ("Bq", ["Hz"]),
    ],
)
def test_what_measures_something_else_is_not_found(unit, others):
    found = converted(f"5|{UCUM}|{unit}")

    assert [one for one in others if hash64(f"{UCUM}|{one}") in found] == []


def test_without_its_system_a_unit_is_compared_as_it_is_written():
    assert quantity.parse("5.4||mg").others == quantity.parse("5.4").others == ()


def test_a_number_that_another_unit_cannot_hold_is_left_out_there():
    found = converted(f"1e307|{UCUM}|kg")

    assert hash64(f"{UCUM}|g") not in found
    assert hash64(f"{UCUM}|t") in found
