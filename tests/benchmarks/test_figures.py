from pathlib import Path

import orjson
import pytest

from benchmarks.figures import Figure, table, write


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

    assert "8,000    40,000    0.2   0.22  requests/s  BELOW" in text


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
        }
    ]
