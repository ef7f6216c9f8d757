import shutil
from pathlib import Path

import pytest

from benchmarks import records, searches
from benchmarks.bench import PATIENT_GROWTH_BAR, Size
from benchmarks.place import over
from benchmarks.profile import profile
from benchmarks.questions import PATIENT, POPULATION
from benchmarks.run import measure

TINY = Size(persons=52, asked=20, rounds=1, seconds=1, asking_seconds=0, ingest_patients=3)
SOME = ("patient, date", "patient, text", "token, common", "include")
"""Questions that are asked; that all of them can be is shown by the tests of questions and of plans."""

NAMES = [
    *("start to first answer", "memory, idle", "ingest"),
    *("read, first", "read", "read p50", "read p99", "read processor"),
    *("search, first", "search", "search p50", "search p99", "search processor"),
    *SOME[2:],
    *("$everything", "export", "create", "update", "conditional create, new", "conditional create, there"),
    *("transaction", "memory, peak"),
    *SOME[:2],
]
NEEDS_WRK = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; `make bench` installs it")


@NEEDS_WRK
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_figure_is_measured_against_its_yardstick(
    database: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(records, "PATIENT", {name: PATIENT[name] for name in SOME[:2]})
    monkeypatch.setattr(searches, "POPULATION", {name: POPULATION[name] for name in SOME[2:]})
    address = request.getfixturevalue("postgresql_server") if database == "postgresql" else ""

    figures = measure(over(tmp_path, address), TINY, (1,), lambda _: None)

    assert [one.name for one in figures] == NAMES
    assert {one.database for one in figures} == {database}
    assert all(one.ratio and one.bar for one in figures if one.name in ("read", "search", "ingest", "$everything"))
    assert all(one.growth_bar == PATIENT_GROWTH_BAR for one in figures if one.name in ("search", *SOME[:2]))
    assert {one.scale for one in figures[3:]} == {1}


@NEEDS_WRK
def test_a_profile_names_the_functions_that_a_read_passes(tmp_path: Path):
    text = profile(over(tmp_path, ""), TINY, "read", lambda _: None)

    assert "function calls" in text
    assert "httptools_impl.py" in text
    assert (tmp_path / "x1" / "read.profile").exists()
