"""(a) and (b): requests to the hub and to a bare application in turn."""

import asyncio
import contextlib
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from benchmarks import load, servers
from benchmarks.bench import BARS, PATIENT_GROWTH_BAR, Bench
from benchmarks.figures import Figure
from benchmarks.load import Pace, middle
from benchmarks.servers import Server
from benchmarks.yardstick import fill_rows


def _answers(bench: Bench, addresses: Sequence[str]) -> dict[str, bytes]:
    """Return what the hub answers at each address to the clinic.

    Raises:
        httpx.HTTPStatusError: one is refused.
    """
    headers = {"authorization": f"Bearer {bench.clinic}", "accept": "application/fhir+json"}
    with httpx.Client(base_url=bench.server.base, headers=headers, timeout=60) as client:
        return {address: client.get(address).raise_for_status().content for address in addresses}


@contextlib.contextmanager
def _yardstick(bench: Bench, name: str, answers: Mapping[str, bytes]) -> Iterator[Server]:
    """Run the bare application of a figure."""
    first = next(iter(answers))
    log = bench.folder / "yardstick.log"
    if bench.database == "sqlite":
        body = bench.folder / f"{name}.body"
        body.write_bytes(sorted(answers.values(), key=len)[len(answers) // 2])
        with servers.bare("SameBytes", {"YARDSTICK_BODY": str(body)}, first, log) as server:
            yield server
    else:
        asyncio.run(fill_rows(bench.settings.database, answers))
        with servers.bare("SameRow", {"YARDSTICK_DATABASE": bench.settings.database}, first, log) as server:
            yield server


class _Turns:
    """The turns of one server: how fast it answered, and the processor time it took."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.paces: list[Pace] = []
        self._seconds = 0.0
        self.whole_seconds = 0.0
        """With the processor time of the database server."""

    def ask(self, bench: Bench, addresses: Path, seconds: float) -> None:
        """Ask for `seconds`; what the server puts off until afterwards counts as its processor time too."""
        before, whole = self.server.processor_seconds(), bench.processor_seconds()
        core = servers.cores()[1]
        self.paces.append(load.ask(self.server.base, addresses, bench.clinic, seconds=seconds, core=core))
        servers.settle(self.server)
        self._seconds += self.server.processor_seconds() - before
        self.whole_seconds += bench.processor_seconds() - whole

    @property
    def processor_microseconds(self) -> float:
        """Processor time of the server process for each request."""
        return self._seconds / middle(self.paces).requests * 1e6


def _turns(bench: Bench, yardstick: Server, addresses: Path) -> tuple[_Turns, _Turns]:
    """Return the turns of the hub and of its yardstick."""
    for server in (bench.server, yardstick):
        _Turns(server).ask(bench, addresses, 1.0)
    ours, theirs = _Turns(bench.server), _Turns(yardstick)
    for _ in range(bench.size.rounds):
        theirs.ask(bench, addresses, bench.size.seconds)
        ours.ask(bench, addresses, bench.size.seconds)
    return ours, theirs


def requests(bench: Bench, name: str, addresses: Sequence[str]) -> list[Figure]:
    """Measure hub and yardstick in turn, and return throughput, latencies and processor time.

    The first figure is of a second in which nothing was asked before, as long as there are addresses left.
    """
    listed = bench.folder / f"{name}.addresses"
    listed.write_text("\n".join(addresses) + "\n")
    cold = load.ask(bench.server.base, listed, bench.clinic, seconds=1, core=servers.cores()[1])
    answers = _answers(bench, addresses)
    with _yardstick(bench, name, answers) as yardstick:
        ours, theirs = _turns(bench, yardstick, listed)
    ratios = [one.per_second / other.per_second for one, other in zip(ours.paces, theirs.paces, strict=True)]
    size = statistics.median(len(body) for body in answers.values())
    bench.tell(f"  {name}: answers of {size:,.0f} bytes; ratios " + " ".join(f"{ratio:.3f}" for ratio in ratios))
    hub, bare, database = middle(ours.paces), middle(theirs.paces), bench.database
    spent, bare_spent = ours.processor_microseconds, theirs.processor_microseconds
    ratio, bar = statistics.median(ratios), BARS[name, database]
    first = cold.per_second
    asked_first = min(1.0, len(addresses) / cold.requests)
    bench.tell(f"  {name}: of the first second's requests {asked_first:.0%} asked what nobody had asked before")
    scale = bench.scale
    whole = ours.whole_seconds / hub.requests * 1e3
    grows = PATIENT_GROWTH_BAR if name == "search" else None
    return [
        Figure(f"{name}, first", first, "requests/s", database, bare.per_second, first / bare.per_second, scale=scale),
        Figure(
            name, hub.per_second, "requests/s", database, bare.per_second, ratio, bar, scale, whole, growth_bar=grows
        ),
        Figure(f"{name} p50", hub.p50_milliseconds, "ms", database, bare.p50_milliseconds, scale=scale),
        Figure(f"{name} p99", hub.p99_milliseconds, "ms", database, bare.p99_milliseconds, scale=scale),
        Figure(f"{name} processor", spent, "us/request", database, bare_spent, bare_spent / spent, scale=scale),
    ]
