import shutil
from pathlib import Path

import pytest

from benchmarks.bench import Size
from benchmarks.figures import grown
from benchmarks.place import over
from benchmarks.run import at_scale, side_by_side

SIZE = Size(persons=200, asked=100, rounds=1, seconds=2, asking_seconds=2, ingest_patients=0)


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; `make bench` installs it")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_search_of_one_person_costs_no_more_when_there_is_ten_times_the_data(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
):
    address = request.getfixturevalue("postgresql_server") if database == "postgresql" else ""
    lies = over(tmp_path, address)

    measured = [one for scale in (1, 10) for one in at_scale(lies, SIZE, scale, lambda _: None)]
    figures = grown([*measured, *side_by_side(lies, SIZE, (1, 10), lambda _: None)])

    bounded = [one for one in figures if one.growth_bar is not None and one.growth is not None]
    assert len(bounded) > 5
    assert {one.name: one.growth for one in bounded if not one.holds} == {}
