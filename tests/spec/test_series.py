"""The published results of JP-CLINS stand in series; data: jp/examples, jp/packages."""

import json
import tarfile
from typing import Any

import pytest

from app.portal.items import TYPES, Item
from app.portal.results import flow_sheet
from fhir.spec.jlac10 import read
from tests.spec_data import SPEC_DATA

FILE = SPEC_DATA / "jp/examples/Bundle-Bundle-CLINS-Observations-Example-01.json"

PACKAGE = SPEC_DATA / "jp/packages/jp-clins.r4-1.5.2-snap.tgz"
SETS = "package/CodeSystem-jp-clins-codesystem-JLAC10-{}-cs.json"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the published examples are not on this machine")


def a_line(body: dict[str, Any], custodian: int) -> Item:
    return Item(**TYPES["Observation"](body), type="Observation", custodian=custodian, body=body)


def published() -> list[dict[str, Any]]:
    bundle = json.loads(FILE.read_text(), parse_float=str)
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"]


def test_results_of_two_hospitals_stand_in_one_series_by_analyte() -> None:
    lines = [a_line(body, custodian) for custodian in (1, 2) for body in published()]

    rows = flow_sheet(lines).rows

    found = {
        row.key: (row.name, row.unit, len([cell for cells in row.cells.values() for cell in cells])) for row in rows
    }
    assert found == {
        "jlac10:1A990-0000-001-53": ("尿蛋⽩(定性)", "", 2),
        "jlac10:3A015-0000-blood": ("アルブミン", "mg/L", 2),
        "jlac10:3H015-0000-blood": ("カリウム", "mEq/L", 2),
        "jlac10:8A065-0000-blood": ("eGFR", "ml/min/1.73m2", 2),
    }


def test_a_result_of_the_same_analyte_in_another_unit_joins_it() -> None:
    (potassium,) = [one for one in published() if "カリウム" in json.dumps(one, ensure_ascii=False)]
    other = potassium | {"valueQuantity": {"value": "4.1", "unit": "mmol/L"}}

    (row,) = flow_sheet([a_line(potassium, 1), a_line(other, 2)]).rows

    cells = [one for cells in row.cells.values() for one in cells]
    assert [(one.text, one.unit, one.converted) for one in cells] == [("3.5", "mEq/L", ""), ("4.1", "mmol/L", "")]
    assert row.chart is not None


def published_set(name: str) -> dict[str, set[str]]:
    """Return the series of each item of a set of JP-CLINS."""
    with tarfile.open(PACKAGE) as package:
        member = package.extractfile(SETS.format(name))
        assert member is not None
        found = json.load(member)
    return {
        item["code"]: {made.series for one in item["concept"] if (made := read(found["url"], one["code"]))}
        for item in found["concept"]
    }


@pytest.mark.parametrize(("name", "count"), [("corelabo", 55), ("infectionlabo", 53)])
def test_no_series_holds_two_items_of_a_published_set(name: str, count: int) -> None:
    items = published_set(name)
    by_series: dict[str, set[str]] = {}
    for item, series in items.items():
        for one in series:
            by_series.setdefault(one, set()).add(item)

    # Here a code of the set itself is in two of its items.
    twice = {"5F560-1550-blood-52", "5F560-1550-blood-53"}
    assert {one: named for one, named in by_series.items() if len(named) > 1 and one not in twice} == {}
    assert len(items) == count


def test_an_item_of_the_core_set_is_one_series_but_where_material_or_result_is_another() -> None:
    several = {item for item, series in published_set("corelabo").items() if len(series) > 1}

    assert several == {"APTT", "BG", "BS", "CBG", "U-A/C", "U-P/C", "U-TP-HalfQty"}
