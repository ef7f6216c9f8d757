"""Where the hub spends its time: `renkei serve` under cProfile while it is asked one thing."""

import io
import os
import pstats
from collections.abc import Callable, Mapping, Sequence

from benchmarks import load, region, servers
from benchmarks.asked import chronic, large, results
from benchmarks.bench import Bench, Size, Tell
from benchmarks.ingest import Loaded, push
from benchmarks.place import Place
from benchmarks.population import load as load_population
from benchmarks.profiled import BEGIN
from benchmarks.run import running
from benchmarks.streams import CALLERS

SHOWN = 40
"""Functions that are shown, by their own time."""

Act = Callable[[], object]


def _asking(bench: Bench, addresses: Sequence[str], connections: int = load.CONNECTIONS) -> Act:
    listed = bench.folder / "profile.addresses"
    listed.write_text("\n".join(addresses) + "\n")

    def ask(seconds: float) -> None:
        core = servers.cores()[1]
        load.ask(bench.server.base, listed, bench.clinic, seconds=seconds, core=core, connections=connections)

    # What is done at the first request alone, statements for instance, is not to be seen either.
    ask(1)
    return lambda: ask(bench.size.seconds * 3)


def _read(bench: Bench) -> Act:
    return _asking(bench, [f"/fhir/Observation/{one}" for one in results(bench, chronic(bench))])


def _search(bench: Bench) -> Act:
    return _asking(bench, [region.search(one) for one in chronic(bench)])


def _everything(bench: Bench) -> Act:
    return _asking(bench, [f"/fhir/Patient/{one}/$everything" for one in large(bench)], CALLERS)


def _ingest(bench: Bench) -> Act:
    pushed = [one.body for one in region.pushes(bench.size.ingest_patients)]
    push(bench.server.base, bench.hospital, pushed[:5], Loaded())
    return lambda: push(bench.server.base, bench.hospital, pushed, Loaded())


WHAT: Mapping[str, Callable[[Bench], Act]] = {
    "read": _read,
    "search": _search,
    "ingest": _ingest,
    "everything": _everything,
}
"""What can be profiled."""


def profile(place: Place, size: Size, what: str, tell: Tell) -> str:
    """Return the functions in which a hub with 1× data spent most of its time while it did one thing.

    The file of the whole profile lies in the home of that hub and goes with it unless that is kept.
    """
    with running(place, "x1", size, tell) as bench:
        load_population(bench)
    path = place.hub("x1")[0] / f"{what}.profile"
    with running(place, "x1", size, tell, profile=path) as bench:
        act = WHAT[what](bench)
        servers.settle(bench.server)
        os.kill(bench.server.pid, BEGIN)
        act()
    text = io.StringIO()
    pstats.Stats(str(path), stream=text).sort_stats("tottime").print_stats(SHOWN)
    return f"{path}\n{text.getvalue()}"
