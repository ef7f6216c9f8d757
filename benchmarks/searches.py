"""Searches of the whole population by one caller: how long a first page takes, and how much processor time."""

import itertools
import statistics
import time

from benchmarks import servers
from benchmarks.asking import Asking
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.questions import POPULATION, Question

LEAST, MOST = 5, 2_000
"""Answers of which a median is taken."""


def asked(bench: Bench, name: str, question: Question) -> Figure:
    """Ask a question over and over, each time with other values, and return the median of the times it took."""
    times: list[float] = []
    with Asking(bench.server.base, bench.clinic) as asking:
        for number in range(2):
            asking.get(question(number))
        servers.settle(bench.server)
        before, began = bench.processor_seconds(), time.monotonic()
        for number in itertools.count(2):
            asking_began = time.perf_counter()
            asking.get(question(number))
            times.append(time.perf_counter() - asking_began)
            if len(times) >= LEAST and (time.monotonic() - began > bench.size.asking_seconds or len(times) >= MOST):
                break
        servers.settle(bench.server)
        spent = (bench.processor_seconds() - before) / len(times)
    return Figure(
        name,
        statistics.median(times) * 1e3,
        "ms",
        bench.database,
        scale=bench.scale,
        processor_milliseconds=spent * 1e3,
    )


def searches(bench: Bench) -> list[Figure]:
    """Measure each question of the whole population."""
    figures = []
    for name, question in POPULATION.items():
        figures.append(asked(bench, name, question))
        bench.tell(f"  {name}: {figures[-1].value:,.2f} ms")
    return figures
