"""One database measured: an empty hub, then one with the population."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import asyncpg

from app.settings import Settings
from benchmarks import region, servers, setup
from benchmarks.asked import chronic, large, results
from benchmarks.bench import BARS, Bench, Size, Tell
from benchmarks.figures import Figure
from benchmarks.ingest import measured
from benchmarks.place import Place
from benchmarks.population import load
from benchmarks.records import records
from benchmarks.requests import requests
from benchmarks.searches import searches
from benchmarks.servers import Server
from benchmarks.streams import everything, export
from benchmarks.writes import writes

FULL = Size(persons=2_000, asked=1_000, rounds=5, seconds=3, asking_seconds=2, ingest_patients=250)
QUICK = Size(persons=100, asked=50, rounds=2, seconds=1, asking_seconds=0.5, ingest_patients=40)

START_BAR_SECONDS, IDLE_BAR_MEBIBYTES = 3.0, 200.0

_TOKEN_SECONDS = 43_200
"""A load of ten times the data may take an hour."""


@contextlib.contextmanager
def running_hub(
    place: Place, name: str, *, profile: Path | None = None, more: Mapping[str, str] | None = None
) -> Iterator[tuple[Settings, Path, Server]]:
    """Run the hub of a name, made anew unless it is there and whole; yield its settings, its home and its server.

    Args:
        place: Where its data lie.
        name: Of its folder and database.
        profile: A folder for its profile.
        more: Variables of its process beside those that every hub has.
    """
    home, database = place.hub(name)
    port = servers.free_port()
    fresh = not (home / "persons").exists()
    if fresh:
        place.empty(name)
    settings = Settings(
        home=home, database=database, port=port, address=f"http://127.0.0.1:{port}", token_seconds=_TOKEN_SECONDS
    )
    # What was kept may be of a release before.
    setup.migrate(settings)
    if fresh:
        asyncio.run(setup.make(settings))
        (home / "persons").write_text("0")
    environment = {**setup.environment(settings), **(more or {})}
    with servers.hub(environment, port, home / "hub.log", profile) as server:
        yield settings, home, server


@contextlib.contextmanager
def running(place: Place, name: str, size: Size, tell: Tell, *, profile: Path | None = None) -> Iterator[Bench]:
    """Run the hub of a name, and know how it is measured."""
    with running_hub(place, name, profile=profile) as (settings, home, server):
        bench = Bench(settings, home, size, server, tell, postmaster=place.postmaster)
        bench.hospital, bench.clinic = (setup.token(settings, one) for one in (setup.HOSPITAL, setup.CLINIC))
        yield bench


def beginning(place: Place, size: Size, tell: Tell) -> list[Figure]:
    """Measure an empty hub: its start, its memory, and how fast it takes in what a yardstick takes in as well."""
    place.empty("empty")
    with running(place, "empty", size, tell) as bench:
        database = bench.database
        servers.settle(bench.server)
        figures = [
            Figure("start to first answer", bench.server.start_seconds, "s", database, bar=START_BAR_SECONDS),
            Figure("memory, idle", bench.server.memory_mebibytes("VmRSS"), "MiB", database, bar=IDLE_BAR_MEBIBYTES),
        ]
        taken = measured(bench)
    bar = BARS["ingest", database]
    figures.append(Figure("ingest", taken.per_second, "resources/s", database, taken.bare_per_second, taken.ratio, bar))
    return figures


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


def at_scale(place: Place, size: Size, scale: int, tell: Tell) -> list[Figure]:
    """Measure the hub with so many times the persons of 1×; what it lacks of them is loaded first."""
    tell(f" {scale}x:")
    with running(place, f"x{scale}", size, tell) as bench:
        bench.scale = scale
        load(bench)
        _analyse(bench)
        asked = chronic(bench)
        observations = results(bench, asked)
        figures = requests(bench, "read", [f"/fhir/Observation/{one}" for one in observations])
        figures += requests(bench, "search", [region.search(one) for one in asked])
        figures += searches(bench)
        figures += everything(bench, large(bench))
        figures.append(export(bench))
        figures += writes(bench, asked, observations)
        peak = bench.server.memory_mebibytes("VmHWM")
        figures.append(Figure("memory, peak", peak, "MiB", bench.database, scale=scale))
    return figures


def side_by_side(place: Place, size: Size, scales: Sequence[int], tell: Tell) -> list[Figure]:
    """Measure what must not grow with the data: the loaded hubs of all scales run at the same time."""
    tell(" searches of one person's record, in turns:")
    with contextlib.ExitStack() as stack:
        benches = [stack.enter_context(running(place, f"x{scale}", size, tell)) for scale in scales]
        for bench, scale in zip(benches, scales, strict=True):
            bench.scale = scale
        return records(benches)


def measure(place: Place, size: Size, scales: Sequence[int], tell: Tell) -> list[Figure]:
    """Return the figures of one database, those of more than 1× without their growth.

    Args:
        place: Where the data lie.
        size: How much is measured.
        scales: How many times the persons of `size`, one after the other.
        tell: Shows progress.
    """
    figures = beginning(place, size, tell)
    for scale in scales:
        figures += at_scale(place, size, scale, tell)
    return figures + side_by_side(place, size, scales, tell)
