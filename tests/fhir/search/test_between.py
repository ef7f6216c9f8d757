import pytest

from fhir.search.between import Between, between
from fhir.search.date import interval
from fhir.search.query import parse
from fhir.search.shapes import planned
from fhir.store.types import NUMBERS

NOW = interval("2026-06-15")[0]


def _range(type_name: str, *pairs: tuple[str, str]) -> Between | None:
    shapes, values = [], {}
    for number, asked in enumerate(parse(type_name, pairs, lenient=False).criteria):
        shape, binds = planned(asked, type_name, str(number))
        shapes.append(shape)
        values |= binds
    return between(NUMBERS[type_name], shapes, values, NOW)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["2024-03-05"], Between(0, 0)),
        (["2024-03"], Between(0, 0)),
        (["2024"], None),
        (["ge2024-03-05", "le2024-03-06"], Between(0, 1)),
        (["lt2024-03-06", "gt2024-03-05"], Between(1, 0)),
        (["ge2024-03-05", "le2024-06-06"], None),
        (["ge2024-03-05"], None),
        (["ge2026-06-01"], Between(0, None)),
        (["le2024-03-05"], None),
        (["ne2024-03-05"], None),
        (["2024-03-05,2024-03-06"], None),
    ],
)
def test_a_narrow_range_is_walked(texts: list[str], expected: Between | None) -> None:
    assert _range("Encounter", *(("date", text) for text in texts)) == expected


def test_two_criteria_may_mean_two_values_where_an_element_repeats() -> None:
    assert _range("Encounter", ("location-period", "ge2024-03-05"), ("location-period", "le2024-03-06")) is None
    assert _range("Encounter", ("location-period", "2024-03-05")) == Between(0, 0)


def test_two_parameters_are_no_range() -> None:
    assert _range("Encounter", ("date", "ge2024-03-05"), ("location-period", "le2024-03-06")) is None


def test_the_last_update_has_an_order_of_its_own() -> None:
    assert _range("Encounter", ("_lastUpdated", "2024-03-05")) is None
