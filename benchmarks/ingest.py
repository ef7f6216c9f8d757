"""(c) Transaction ingest beside the same bytes and as many integer index rows without a hub."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import asyncpg
import httpx
import orjson

from benchmarks import region, servers
from benchmarks.bench import Bench
from benchmarks.region import Push
from benchmarks.yardstick import BarePostgresql, BareSqlite
from fhir.resource import parse
from fhir.search.extract import extract
from fhir.search.hashing import hash64
from fhir.splice import splice

BareInsert = Callable[[list[bytes], list[tuple[int, int, int]]], None]

SENDERS = 2
"""Connections that push, so that the hub reads one body while it commits another."""


@dataclass(slots=True)
class Loaded:
    """What the hub stored."""

    patients: list[str] = field(default_factory=list)
    observations: list[str] = field(default_factory=list)

    def add(self, answer: bytes) -> None:
        """Note the ids in a transaction's answer."""
        for entry in orjson.loads(answer)["entry"]:
            type_name, id_ = entry["response"]["location"].split("/")[-4:-2]
            (self.patients if type_name == "Patient" else self.observations).append(id_)


def push(base: str, token: str, bodies: Sequence[bytes], loaded: Loaded) -> float:
    """Push transactions and return the seconds it took.

    Raises:
        httpx.HTTPStatusError: one was refused.
    """
    headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
    with httpx.Client(base_url=base, headers=headers, timeout=120) as client, ThreadPoolExecutor(SENDERS) as senders:
        began = time.perf_counter()
        answers = list(senders.map(lambda body: client.post("/fhir", content=body), bodies))
        seconds = time.perf_counter() - began
    for answer in answers:
        answer.raise_for_status()
        loaded.add(answer.content)
    return seconds


def _number(value: object) -> int:
    """Return a value as the 64-bit integer it takes in a bare index."""
    if isinstance(value, float):
        return int(value * 1000)
    return value if isinstance(value, int) else hash64(str(value))


def bare_rows(one: Push, first: int) -> tuple[list[bytes], list[tuple[int, int, int]]]:
    """Return the bytes that the hub stores of a push, and as many integer rows as its index has.

    Args:
        one: The push.
        first: The row number of its first resource.
    """
    bodies, index = [], []
    for row, received in enumerate(one.resources, first):
        stamp = f"2026-01-01T00:00:{row % 60:02d}.000Z"
        body = splice(received, parse(received), id=f"{row:013d}", version=1, last_updated=stamp).body
        bodies.append(body)
        found = extract(parse(body))
        values = {
            (line[0], _number(line[1]), row)
            for slot in (found.token, found.string, found.date, found.number, found.reference, found.uri)
            for line in slot
        }
        values |= {(parameter, _number(low) ^ unit, row) for parameter, unit, low, _ in found.quantity}
        values |= {(part, hash_ ^ second ^ _number(low), row) for part, _, hash_, second, low, _ in found.composite}
        index += [(0, hash64(f"{row:013d}"), row), *values]
    return bodies, index


@dataclass(frozen=True, slots=True)
class Ingest:
    """Resources a second: the hub's and the yardstick's medians, and the median of the ratios of each round."""

    per_second: float
    bare_per_second: float
    ratio: float


def rounds(pushed: Sequence[Push], size: int) -> Iterator[Sequence[Push]]:
    """Yield the pushes in rounds of `size`."""
    for begin in range(0, len(pushed), size):
        yield pushed[begin : begin + size]


def ingest(hub: Sequence[tuple[int, float]], bare: Sequence[tuple[int, float]]) -> Ingest:
    """Return what rounds of (resources, seconds) come to."""
    ours = [count / seconds for count, seconds in hub]
    theirs = [count / seconds for count, seconds in bare]
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Ingest(statistics.median(ours), statistics.median(theirs), statistics.median(ratios))


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


def measured(bench: Bench) -> Ingest:
    """Push a region in rounds, hub and yardstick in turn."""
    pushed = list(region.pushes(bench.size.ingest_patients))
    ours: list[tuple[int, float]] = []
    theirs: list[tuple[int, float]] = []
    row = 0
    with _bare_insert(bench) as insert:
        for chunk in rounds(pushed, max(1, len(pushed) // 10)):
            count = sum(len(one.resources) for one in chunk)
            batches = []
            for one in chunk:
                batches.append(bare_rows(one, row))
                row += len(one.resources)
            ours.append((count, push(bench.server.base, bench.hospital, [one.body for one in chunk], Loaded())))
            servers.settle(bench.server)
            began = time.perf_counter()
            for bodies, index in batches:
                insert(bodies, index)
            theirs.append((count, time.perf_counter() - began))
    return ingest(ours, theirs)
