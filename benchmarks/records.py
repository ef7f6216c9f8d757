"""Searches of one person's record, by one caller: the hubs of all scales are asked in turns.

A machine is not as fast now as it was a quarter of an hour ago; a growth is of two figures of the same minute.
"""

import contextlib
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks import servers
from benchmarks.asked import chronic
from benchmarks.asking import Asking
from benchmarks.bench import PATIENT_GROWTH_BAR, Bench
from benchmarks.figures import Figure
from benchmarks.questions import PATIENT, Question, of_patients


class _Turns:
    """The turns of one hub at one question."""

    def __init__(self, bench: Bench, asking: Asking, question: Question) -> None:
        self.bench = bench
        self.times: list[float] = []
        """Of each answer, in seconds."""
        self.spent = 0.0
        """Seconds of processor time."""
        self._asking = asking
        self._addresses: Iterator[str] = map(question, itertools.count())

    def ask(self, seconds: float) -> None:
        """Ask for `seconds`, once at least; what is put off until afterwards counts as processor time too."""
        before, until = self.bench.processor_seconds(), time.monotonic() + seconds
        while True:
            began = time.perf_counter()
            self._asking.get(next(self._addresses))
            self.times.append(time.perf_counter() - began)
            if time.monotonic() >= until:
                break
        servers.settle(self.bench.server)
        self.spent += self.bench.processor_seconds() - before

    def figure(self, name: str) -> Figure:
        """Return the median of the times, and the processor time of one answer."""
        return Figure(
            name,
            statistics.median(self.times) * 1e3,
            "ms",
            self.bench.database,
            scale=self.bench.scale,
            processor_milliseconds=self.spent / len(self.times) * 1e3,
            growth_bar=PATIENT_GROWTH_BAR,
        )


def _asked(benches: Sequence[tuple[Bench, Sequence[str]]], name: str, question: Callable[[str], str]) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        turns = []
        for bench, patients in benches:
            asking = stack.enter_context(Asking(bench.server.base, bench.clinic))
            turns.append(_Turns(bench, asking, of_patients(question, patients)))
        for one in turns:
            # The first answer prepares the statement.
            one.ask(0)
            one.times.clear()
            one.spent = 0.0
        for _ in range(benches[0][0].size.rounds):
            for one in turns:
                one.ask(one.bench.size.asking_seconds / one.bench.size.rounds)
        return [one.figure(name) for one in turns]


def records(benches: Sequence[Bench]) -> list[Figure]:
    """Measure each question of one person's record on hubs of one engine that run side by side.

    Args:
        benches: A hub for each scale.
    """
    asked = [(bench, chronic(bench)) for bench in benches]
    return [figure for name, question in PATIENT.items() for figure in _asked(asked, name, question)]
