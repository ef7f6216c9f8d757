from typing import Any

import pytest

from app.portal.items import Item
from app.portal.results import flow_sheet
from app.portal.series.chart import HEIGHT, MARGIN, WIDTH


def result(when: str, value: object, code: str = "4548-4", unit: str = "%", custodian: int = 1, **fields: Any) -> Item:
    body = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": code}]},
        "valueQuantity": {"value": value, "unit": unit},
        **fields,
    }
    return Item(kind="laboratory", title=code, when=when, type="Observation", custodian=custodian, body=body)


def test_days_go_from_the_newest_and_rows_by_code() -> None:
    sheet = flow_sheet([result("2024-01-01", 1, "b"), result("2024-03-01", 2, "a"), result("2024-02-01", 3, "b")])

    assert sheet.days == ["2024-03-01", "2024-02-01", "2024-01-01"]
    assert [row.name for row in sheet.rows] == ["a", "b"]
    assert [(day, cell.text) for day, cell in sheet.rows[1].newest(2)] == [("2024-02-01", "3"), ("2024-01-01", "1")]


def test_sites_share_a_row_but_units_do_not() -> None:
    sheet = flow_sheet(
        [result("2024-01-01", 1), result("2024-01-02", 2, custodian=2), result("2024-01-03", 3, unit="mmol/mol")]
    )

    assert [(row.unit, [cells[0].custodian for cells in row.cells.values()]) for row in sheet.rows] == [
        ("%", [1, 2]),
        ("mmol/mol", [1]),
    ]


def test_two_values_of_a_day_stand_in_the_order_of_their_times() -> None:
    sheet = flow_sheet([result("2024-01-01T15:00:00+09:00", 2), result("2024-01-01T09:00:00+09:00", 1)])

    day, cell = sheet.rows[0].latest
    assert (day, cell.text, cell.time) == ("2024-01-01", "2", "15:00")
    assert [one.text for one in sheet.rows[0].cells["2024-01-01"]] == ["1", "2"]


def test_a_chart_spans_its_box_in_time_and_value() -> None:
    (row,) = flow_sheet([result("2024-01-01", 4), result("2024-01-03", 6), result("2024-01-02", 5)]).rows

    assert row.chart is not None
    assert row.chart.lines == (f"{MARGIN},{HEIGHT - MARGIN} {WIDTH / 2},{HEIGHT / 2} {WIDTH - MARGIN},{MARGIN}",)
    assert row.chart.last == (WIDTH - MARGIN, MARGIN)
    assert row.chart.band is None


@pytest.mark.parametrize(
    ("range_", "band"),
    [
        ({"low": {"value": 4}, "high": {"value": 6}}, (13.0, 10.0)),
        ({"high": {"value": 8}}, (3.0, 20.0)),
        ({"low": {"value": 6}}, (3.0, 13.3)),
    ],
)
def test_the_reference_range_is_a_band(range_: dict[str, object], band: tuple[float, float]) -> None:
    items = [result("2024-01-01", 5, referenceRange=[range_]), result("2024-01-02", 8, referenceRange=[range_])]

    (row,) = flow_sheet(items).rows

    assert row.chart is not None
    assert row.chart.band == band


def test_a_blood_pressure_has_two_lines() -> None:
    def pressure(when: str, high: int, low: int) -> Item:
        parts = [{"valueQuantity": {"value": one, "unit": "mmHg"}} for one in (high, low)]
        body = {"resourceType": "Observation", "code": {"text": "血圧"}, "component": parts}
        return Item(kind="vital", title="血圧", when=when, type="Observation", body=body)

    (row,) = flow_sheet([pressure("2024-01-01", 130, 70), pressure("2024-01-01", 140, 80)]).rows

    assert row.chart is not None
    assert len(row.chart.lines) == 2
    assert row.latest[1].text == "140/80"
    assert (row.name, row.unit) == ("血圧", "mmHg")


def test_words_have_a_cell_but_no_chart() -> None:
    body = {"resourceType": "Observation", "code": {"text": "尿蛋白"}, "valueString": "(+)"}
    items = [
        Item(kind="laboratory", title="尿蛋白", when=f"2024-01-0{day}", type="Observation", body=body) for day in (1, 2)
    ]

    (row,) = flow_sheet(items).rows

    assert row.chart is None
    assert row.latest[1].text == "(+)"


@pytest.mark.parametrize(("when", "value"), [("2024-01", 1), ("", 1), ("2024-01-01", None)])
def test_without_a_day_or_a_value_there_is_no_cell(when: str, value: object) -> None:
    body = {"valueQuantity": {"unit": "%"}} if value is None else {}

    assert flow_sheet([result(when, value, **body)]).rows == []
