from pathlib import Path

import pytest

from benchmarks import charts, population
from benchmarks.asking import Asking
from benchmarks.bench import Bench, Size
from benchmarks.ingest import Loaded, push
from benchmarks.place import over
from benchmarks.run import running

SIZE = Size(persons=6, asked=3, rounds=1, seconds=1, asking_seconds=0, ingest_patients=1)


def _persons(bench: Bench) -> int:
    with Asking(bench.server.base, bench.hospital) as asking:
        return int(asking.json("/fhir/Patient?_summary=count")["total"])


def test_a_load_that_was_stopped_goes_on_and_sends_nothing_twice(tmp_path: Path):
    lies = over(tmp_path, "")
    with running(lies, "x1", SIZE, lambda _: None) as bench:
        # What a stop leaves: the directory and some persons, of which nothing is noted.
        bodies = [charts.directory(), charts.chart(0).body, charts.chart(2).body]
        push(bench.server.base, bench.hospital, bodies, Loaded())

    with running(lies, "x1", SIZE, lambda _: None) as bench:
        population.load(bench)
        found = _persons(bench)
        population.load(bench)

        assert (found, _persons(bench)) == (6, 6)

        bench.size = Size(persons=2, asked=1, rounds=1, seconds=1, asking_seconds=0, ingest_patients=1)
        with pytest.raises(population.TooMany, match="6 persons"):
            population.load(bench)
