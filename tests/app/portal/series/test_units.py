from fractions import Fraction
from typing import Any

import pytest

from app.portal.items import Item
from app.portal.results import Row, flow_sheet
from app.portal.series.units import shown
from tests.series import GLUCOSE, JLAC10, a_result


def rows(*results: Item) -> list[Row]:
    return list(flow_sheet(results).rows)


def glucose(value: object, unit: str, day: int, **fields: Any) -> Item:
    return a_result((JLAC10, GLUCOSE), value=value, unit=unit, when=f"2024-05-{day:02}", **fields)


def test_units_of_one_measure_share_a_row_and_values_stand_as_sent() -> None:
    (row,) = rows(glucose("100", "mg/dL", 1), glucose("5.40", "mmol/L", 2), glucose("110", "mg/dl", 3))

    cells = [row.cells[f"2024-05-0{day}"][0] for day in (1, 2, 3)]
    assert row.unit == "mg/dl"
    assert [(one.text, one.converted) for one in cells] == [("100", ""), ("5.40 mmol/L", "97.3"), ("110", "")]
    assert row.chart is not None
    assert len(row.chart.lines[0].split()) == 3


def test_units_of_other_measures_stand_apart() -> None:
    found = rows(glucose("6.5", "%", 1), glucose("48", "mmol/mol", 2))

    assert [row.unit for row in found] == ["%", "mmol/mol"]


def test_an_analyte_without_a_molar_mass_is_not_converted() -> None:
    crp = "5C070000002306201"
    found = rows(a_result((JLAC10, crp), unit="mg/dL"), a_result((JLAC10, crp), unit="mmol/L", when="2024-05-02"))

    assert [row.unit for row in found] == ["mg/dL", "mmol/L"]


@pytest.mark.parametrize(
    "told",
    [
        {"valueQuantity": {"value": "0.5", "unit": "mg/dL", "comparator": "<"}},
        {"valueQuantity": {"value": "200"}},
        {"valueString": "< 0.5"},
        {"valueString": "+-"},
        {"valueCodeableConcept": {"text": "(±)"}},
    ],
    ids=["comparator", "no unit", "limit as text", "text", "concept"],
)
def test_what_is_no_number_of_the_unit_is_in_the_table_and_not_in_the_line(told: dict[str, Any]) -> None:
    words = a_result((JLAC10, GLUCOSE), when="2024-05-02", **told)
    if "valueQuantity" not in told:
        del words.body["valueQuantity"]  # type: ignore[attr-defined]

    (row,) = rows(glucose("100", "mg/dL", 1), words, glucose("110", "mg/dL", 3))

    assert sorted(row.cells) == ["2024-05-01", "2024-05-02", "2024-05-03"]
    assert row.chart is not None
    assert len(row.chart.lines[0].split()) == 2


def test_a_number_without_a_unit_is_marked_and_a_word_is_not() -> None:
    bare = a_result((JLAC10, GLUCOSE), when="2024-05-02", valueQuantity={"value": "200"})
    word = a_result((JLAC10, GLUCOSE), when="2024-05-03", valueString="溶血")
    del word.body["valueQuantity"]  # type: ignore[attr-defined]

    (row,) = rows(glucose("100", "mg/dL", 1), bare, word)

    assert [row.cells[f"2024-05-0{day}"][0].lacks_unit for day in (1, 2, 3)] == [False, True, False]


def test_counts_of_cells_are_one_however_the_ten_thousands_are_written() -> None:
    platelets = "2A050000001930952"
    units = ("×10^4/μL", "万/μL", "10³/μL", "/μL")
    values = ("20.1", "20.1", "201", "201000")
    found = rows(
        *(
            a_result((JLAC10, platelets), value=value, unit=unit, when=f"2024-05-0{day}")
            for day, (unit, value) in enumerate(zip(units, values, strict=True), start=1)
        )
    )

    (row,) = found
    cells = [row.cells[f"2024-05-0{day}"][0] for day in (1, 2, 3, 4)]
    assert row.unit == "万/μL"
    assert [one.converted for one in cells] == ["", "", "20.1", "20.1"]
    assert row.chart is not None
    assert {one.partition(",")[2] for one in row.chart.lines[0].split()} == {"3.0"}


@pytest.mark.parametrize("value", ["1e999999999", "NaN", "Infinity", "1" * 100])
def test_a_number_of_no_size_that_medicine_has_is_a_word(value: str) -> None:
    found = rows(glucose("100", "mg/dL", 1), glucose("110", "mg/dL", 2))
    (row,) = found

    assert row.chart is not None
    with_it = flow_sheet([glucose("100", "mg/dL", 1), a_result((JLAC10, GLUCOSE), value=value, when="2024-05-02")])
    assert with_it.rows[0].chart is None


@pytest.mark.parametrize(
    ("number", "digits", "text"),
    [
        ("97.284", 2, "97.3"),
        ("97.284", 5, "97.284"),
        ("201000", 2, "201000"),
        ("0.0012345", 1, "0.00123"),
        ("100", 3, "100"),
    ],
)
def test_a_converted_number_has_the_digits_that_were_sent(number: str, digits: int, text: str) -> None:
    assert shown(Fraction(number), digits) == text
