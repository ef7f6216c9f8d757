"""The benchmark of what the audit log adds to a read runs, on both engines, and its figures are sound."""

import shutil

import pytest

from benchmarks import audit_read
from benchmarks.audit_read import Turns, figures
from benchmarks.place import place

NEEDS_WRK = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; `make bench` installs it")


@NEEDS_WRK
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_it_measures_a_read_with_and_without_the_log(engine: str) -> None:
    with place(engine, None) as where:
        found = audit_read.measure(where, seconds=1, rounds=1, processes=[2])

    assert found["read, answers a second"] > 0
    assert found["read, µs of processor"] > found["bare answer, µs of processor"] > 0
    assert ("hub, 2 processes, times one process" in found) == (engine == "postgresql")


def test_the_figures_are_differences_and_ratios() -> None:
    turns = {
        "bare": Turns(1.0, 10_000, [5_000.0], [0.2]),
        "hub": Turns(4.0, 10_000, [2_000.0], [1.0]),
        "without audit": Turns(2.5, 10_000, [3_000.0], [0.5]),
        "hub, 2 processes": Turns(4.0, 10_000, [3_000.0], [1.0]),
    }

    found = figures(turns)

    assert found["audit, µs of processor"] == pytest.approx(150)
    assert found["audit, times a bare answer"] == pytest.approx(1.5)
    assert found["audit, milliseconds at one connection"] == pytest.approx(0.5)
    assert found["hub, 2 processes, times one process"] == 1.5
