"""The load generator: wrk (https://github.com/wg/wrk) on a core of its own."""

import json
import os
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 64

LONGER = (1, 4, 16)
"""What is answered once in some seconds on a busy machine is asked for so many times as long."""

_FLAGS = ("--timeout", "60s", "-s", str(Path(__file__).with_name("wrk.lua")))


class Failed(Exception):
    """Answers were errors, so a figure would mean nothing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a server answered."""

    per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    requests: int


def _read(report: str) -> Pace | None:
    """Return the pace in a report of wrk.lua; None when nothing was answered.

    Raises:
        Failed: a request failed.
    """
    told = json.loads(report.splitlines()[-1])
    if told["failed"]:
        raise Failed(f"{told['failed']} requests of {told['requests']} failed")
    if not told["requests"]:
        return None
    return Pace(told["requests"] / told["microseconds"] * 1e6, told["p50"] / 1000, told["p99"] / 1000, told["requests"])


def ask(
    base: str,
    addresses: Path,
    token: str,
    *,
    seconds: float,
    core: int | None,
    connections: int = CONNECTIONS,
    first: int = 0,
    accept: str = "application/fhir+json",
) -> Pace:
    """Ask a server what the lines of a file say in turn, over and over, and return its pace.

    Args:
        base: `http://127.0.0.1:8090`.
        addresses: A line is a path with query, or what `wrk.lua` says of writes.
        token: The bearer token.
        seconds: How long.
        core: The core that wrk runs on; any when None.
        connections: How many ask at once.
        first: The number before the first that is put for `@N@`.
        accept: The media types that are taken.

    Raises:
        Failed: a request failed, or nothing was answered.
    """
    environment = {
        **os.environ,
        "BENCH_AUTHORIZATION": f"Bearer {token}",
        "BENCH_ADDRESSES": str(addresses),
        "BENCH_FIRST": str(first),
        "BENCH_ACCEPT": accept,
    }
    pinned = ["taskset", "-c", str(core)] if core is not None else []
    for longer in LONGER:
        command = [*pinned, "wrk", "-t1", f"-c{connections}", f"-d{seconds * longer:g}s", *_FLAGS, base]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        pace = _read(done.stdout)
        if pace is not None:
            return pace
    raise Failed(f"no answer of {base} in {seconds * LONGER[-1]:g} s")


def middle(paces: Sequence[Pace]) -> Pace:
    """Return the medians of several runs, and how many requests they were in all."""
    return Pace(
        statistics.median(pace.per_second for pace in paces),
        statistics.median(pace.p50_milliseconds for pace in paces),
        statistics.median(pace.p99_milliseconds for pace in paces),
        sum(pace.requests for pace in paces),
    )
