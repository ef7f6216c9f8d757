import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.errors import InvalidValue
from fhir.search import number
from fhir.search.number import HIGHEST, LOWEST, doubles, significant_range
from fhir.search.values import NumberValue


@pytest.mark.parametrize(
    ("text", "lo", "hi", "value"),
    [
        ("100", 99.5, 100.5, 100.0),
        ("100.00", 99.995, 100.005, 100.0),
        ("1e2", 95.0, 105.0, 100.0),
        ("1.0e2", 95.0, 105.0, 100.0),
        ("1.00e2", 99.5, 100.5, 100.0),
        ("5.40e-3", 0.005395, 0.005405, 0.0054),
        ("-2", -2.5, -1.5, -2.0),
        ("+2", 1.5, 2.5, 2.0),
        ("0", -0.5, 0.5, 0.0),
        (".5", 0.45, 0.55, 0.5),
    ],
)
def test_a_number_stands_for_the_range_its_digits_allow(text, lo, hi, value):
    assert doubles(*significant_range(text)) == (lo, hi, value)


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=3))
def test_a_number_lies_within_its_range(decimal):
    lo, hi, value = significant_range(str(decimal))

    assert lo < value < hi


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "1,5",
        "NaN",
        "Infinity",
        "1e999",
        "1e9999999",
        "١٢",
        "--1",
        "1" * 65,
        "1.2.3",
        "9" * 10 + "e308",
    ],
)
def test_what_is_not_a_number_of_64_bits_is_refused(text):
    with pytest.raises(InvalidValue, match="not a number"):
        doubles(*significant_range(text))


@pytest.mark.parametrize(
    ("type_name", "value", "rows"),
    [
        ("decimal", 0.5, [(0.5, 0.5)]),
        ("integer", 3, [(3.0, 3.0)]),
        ("integer", True, []),
        ("integer", 10**400, []),
        ("decimal", float("inf"), []),
        ("Range", {"low": {"value": 1}, "high": {"value": 2.5}}, [(1.0, 2.5)]),
        ("Range", {"low": {"value": 1}}, [(1.0, HIGHEST)]),
        ("Range", {"high": {"value": 2.5}}, [(LOWEST, 2.5)]),
        ("Range", {}, []),
    ],
)
def test_an_element_is_a_number_or_a_range(type_name, value, rows):
    assert number.EXTRACTORS[type_name](value) == rows


def test_a_query_is_a_prefix_and_a_number():
    assert number.parse("gt0.8") == NumberValue("gt", 0.75, 0.85, 0.8)
    assert number.parse("100") == NumberValue("eq", 99.5, 100.5, 100.0)


@pytest.mark.parametrize(("text", "lo", "hi"), [("ap100", 90.0, 110.0), ("ap-100", -110.0, -90.0), ("ap1", 0.5, 1.5)])
def test_approximately_is_a_tenth_more_or_less_or_the_precision(text, lo, hi):
    found = number.parse(text)

    assert (found.lo, found.hi) == (lo, hi)
