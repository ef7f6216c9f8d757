import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest

from benchmarks.bench import Size
from benchmarks.run import measure

TINY = Size(patients=6, rounds=1, seconds=1, ingest_patients=3)
NAMES = [
    *("start to first answer", "memory, idle", "ingest"),
    *("read, first", "read", "read p50", "read p99", "read processor"),
    *("search, first", "search", "search p50", "search p99", "search processor", "memory, peak"),
]


async def _create(address: str) -> None:
    connection = await asyncpg.connect(f"{address}/postgres")
    try:
        await connection.execute("CREATE DATABASE benchmarks")
    finally:
        await connection.close()


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed; `make bench` installs it")
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_figure_is_measured_against_its_yardstick(database: str, tmp_path: Path, request: pytest.FixtureRequest):
    place = ""
    if database == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        asyncio.run(_create(server))
        place = f"{server}/benchmarks"

    figures = measure(tmp_path, place, TINY, lambda _: None)

    assert [one.name for one in figures] == NAMES
    assert {one.database for one in figures} == {database}
    assert all(one.ratio for one in figures if one.name in ("read", "search", "ingest"))
