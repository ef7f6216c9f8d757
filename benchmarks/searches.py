"""Searches by one caller: how long a first page takes, and how much processor time."""

import itertools
import statistics
import time
from collections.abc import Sequence

from benchmarks import servers
from benchmarks.asking import Asking
from benchmarks.bench import PATIENT_GROWTH_BAR, Bench
from benchmarks.figures import Figure
from benchmarks.questions import PATIENT, POPULATION, Question, of_patients

LEAST, MOST = 5, 2_000
"""Answers of which a median is taken."""


def asked(bench: Bench, name: str, question: Question, growth_bar: float | None = None) -> Figure:
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
        growth_bar=growth_bar,
    )


def searches(bench: Bench, patients: Sequence[str]) -> list[Figure]:
    """Measure each question, of one person's record and of the whole population."""
    figures = [
        asked(bench, name, of_patients(question, patients), PATIENT_GROWTH_BAR) for name, question in PATIENT.items()
    ]
    for name, question in POPULATION.items():
        figures.append(asked(bench, name, question))
        bench.tell(f"  {name}: {figures[-1].value:,.2f} ms")
    return figures
