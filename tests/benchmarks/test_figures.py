from pathlib import Path

import orjson
import pytest

from benchmarks.figures import Figure, grown, table, write


@pytest.mark.parametrize(
    ("figure", "holds"),
    [
        (Figure("read", 10, "requests/s", "sqlite", 40, 0.25, 0.22), True),
        (Figure("read", 8, "requests/s", "sqlite", 40, 0.20, 0.22), False),
        (Figure("start", 2.5, "s", "sqlite", bar=3), True),
        (Figure("start", 3.5, "s", "sqlite", bar=3), False),
        (Figure("p99", 99, "ms", "sqlite"), True),
    ],
    ids=["ratio above", "ratio below", "value below", "value above", "no bar"],
)
def test_a_ratio_must_reach_its_bar_and_a_value_stay_below_its_own(figure, holds):
    assert figure.holds is holds


def test_the_table_marks_what_misses_its_bar():
    text = table([Figure("read", 8000, "requests/s", "sqlite", 40_000, 0.2, 0.22)])

    assert "8,000    40,000    0.2   0.22       -      -  requests/s  BELOW" in text


def test_the_figures_are_written_as_a_list_of_objects(tmp_path: Path):
    write([Figure("read", 8, "requests/s", "sqlite", 40, 0.2, 0.22)], tmp_path / "latest.json")

    assert orjson.loads((tmp_path / "latest.json").read_bytes()) == [
        {
            "name": "read",
            "value": 8,
            "unit": "requests/s",
            "database": "sqlite",
            "yardstick": 40,
            "ratio": 0.2,
            "bar": 0.22,
            "scale": None,
            "processor_milliseconds": None,
            "growth": None,
            "growth_bar": None,
        }
    ]


@pytest.mark.parametrize(
    ("unit", "small", "large", "growth"),
    [
        ("ms", {"value": 2.0}, {"value": 3.0}, 1.5),
        ("requests/s", {"value": 300.0}, {"value": 200.0}, 1.5),
        ("ms", {"value": 2.0, "processor_milliseconds": 1.0}, {"value": 9.0, "processor_milliseconds": 1.5}, 1.5),
    ],
    ids=["time", "throughput", "processor time is believed"],
)
def test_growth_is_what_one_costs_as_a_multiple_of_that_at_1x(unit, small, large, growth):
    figures = [
        Figure("a", unit=unit, database="sqlite", scale=scale, **one) for scale, one in ((1, small), (10, large))
    ]

    found = grown([*figures, Figure("a", 1, unit, "postgresql", scale=10)])

    assert [one.growth for one in found] == [None, pytest.approx(growth), None]


def test_what_grows_beyond_its_bar_is_marked():
    figures = [
        Figure("search", value, "ms", "sqlite", scale=scale, growth_bar=1.3) for scale, value in ((1, 1), (10, 2))
    ]

    large = grown(figures)[1]

    assert not large.holds
    assert table([large]).endswith("2  ms  GROWS")
