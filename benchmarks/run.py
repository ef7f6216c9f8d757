"""One database measured: start, load, read, search."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import asyncpg

from app.settings import Settings
from benchmarks import region, servers, setup
from benchmarks.bench import BARS, Bench, Size, Tell
from benchmarks.figures import Figure
from benchmarks.ingest import Ingest, Loaded, bare_rows, ingest, push, rounds
from benchmarks.requests import requests
from benchmarks.yardstick import BarePostgresql, BareSqlite

FULL = Size(patients=2_000, rounds=5, seconds=3, ingest_patients=250)
QUICK = Size(patients=100, rounds=2, seconds=1, ingest_patients=40)

START_BAR_SECONDS, IDLE_BAR_MEBIBYTES = 3.0, 200.0


BareInsert = Callable[[list[bytes], list[tuple[int, int, int]]], None]


@contextlib.contextmanager
def _bare_insert(bench: Bench) -> Iterator[BareInsert]:
    """Yield what inserts a batch without a hub; on PostgreSQL the loop runs beside the measured time."""
    if bench.database == "sqlite":
        yield BareSqlite(bench.folder / "bare.sqlite3").insert
        return
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(bench.settings.database))
        bare = BarePostgresql(connection)
        runner.run(bare.begin())
        yield lambda bodies, index: runner.run(bare.insert(bodies, index))
        runner.run(connection.close())


def _ingest(bench: Bench, loaded: Loaded) -> Ingest:
    """Load the whole region; its beginning in rounds, hub and yardstick in turn."""
    pushed = list(region.pushes(bench.size.patients))
    measured, rest = pushed[: bench.size.ingest_patients], pushed[bench.size.ingest_patients :]
    ours: list[tuple[int, float]] = []
    theirs: list[tuple[int, float]] = []
    row = 0
    with _bare_insert(bench) as insert:
        for chunk in rounds(measured, max(1, len(measured) // 10)):
            count = sum(len(one.resources) for one in chunk)
            batches = []
            for one in chunk:
                batches.append(bare_rows(one, row))
                row += len(one.resources)
            ours.append((count, push(bench.server.base, bench.hospital, [one.body for one in chunk], loaded)))
            servers.settle(bench.server)
            began = time.perf_counter()
            for bodies, index in batches:
                insert(bodies, index)
            theirs.append((count, time.perf_counter() - began))
    began = time.monotonic()
    push(bench.server.base, bench.hospital, [one.body for one in rest], loaded)
    seconds, count = time.monotonic() - began, sum(len(one.resources) for one in rest)
    bench.tell(f"  loaded {count:,} more resources at {count / seconds:,.0f}/s")
    for begin in range(0, len(loaded.patients), 100):
        body = region.consents(loaded.patients[begin : begin + 100], setup.CLINIC)
        push(bench.server.base, bench.hospital, [body], Loaded())
    return ingest(ours, theirs)


def _analyse(bench: Bench) -> None:
    """Do what an operator does after a bulk load."""
    if bench.database == "sqlite":
        with contextlib.closing(sqlite3.connect(bench.settings.sqlite_path, isolation_level=None)) as raw:
            raw.execute("ANALYZE")
    else:
        asyncio.run(_vacuum(bench.settings.database))
    servers.settle(bench.server)


async def _vacuum(address: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _every(items: Sequence[str], most: int) -> Sequence[str]:
    """Return at most `most` of `items`, spread over all of them."""
    return items[:: max(1, len(items) // most)][:most]


def _measure(bench: Bench) -> list[Figure]:
    database = bench.database
    servers.settle(bench.server)
    figures = [
        Figure("start to first answer", bench.server.start_seconds, "s", database, bar=START_BAR_SECONDS),
        Figure("memory, idle", bench.server.memory_mebibytes("VmRSS"), "MiB", database, bar=IDLE_BAR_MEBIBYTES),
    ]
    bench.hospital, bench.clinic = (setup.token(bench.settings, one) for one in (setup.HOSPITAL, setup.CLINIC))
    loaded = Loaded()
    taken = _ingest(bench, loaded)
    bar = BARS.get(("ingest", database))
    figures.append(Figure("ingest", taken.per_second, "resources/s", database, taken.bare_per_second, taken.ratio, bar))
    _analyse(bench)
    reads = [f"/fhir/Observation/{id_}" for id_ in _every(loaded.observations, 2_000)]
    figures += requests(bench, "read", reads)
    figures += requests(bench, "search", [region.search(id_) for id_ in _every(loaded.patients, 2_000)])
    figures.append(Figure("memory, peak", bench.server.memory_mebibytes("VmHWM"), "MiB", database))
    return figures


def measure(folder: Path, database: str, size: Size, tell: Tell) -> list[Figure]:
    """Return the figures of one database.

    Args:
        folder: An empty folder for everything that is made.
        database: The address of an empty PostgreSQL database; empty for SQLite.
        size: How much is measured.
        tell: Shows progress.
    """
    port = servers.free_port()
    settings = Settings(
        home=folder, database=database, port=port, address=f"http://127.0.0.1:{port}", token_seconds=7_200
    )
    setup.migrate(settings)
    asyncio.run(setup.make(settings))
    with servers.hub(setup.environment(settings), port, folder / "hub.log") as server:
        return _measure(Bench(settings, folder, size, server, tell))
