"""The hub and Orthanc side by side on the same files: in turns, each on the same core, one caller or six."""

import asyncio
import contextlib
import json
import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from app.imaging.dimse.node import Binding, add_node
from app.lifecycle import open_hub
from app.settings import Settings
from benchmarks import load, servers, setup
from benchmarks.bench import Tell
from benchmarks.dimse import TITLE, rate, studies
from benchmarks.figures import Figure
from benchmarks.imaging import bare, made
from benchmarks.imaging.caller import JSON, Caller
from benchmarks.imaging.load import consenting, small_studies
from benchmarks.imaging.orthanc import ROOT, orthanc
from benchmarks.place import Place
from benchmarks.run import running_hub
from benchmarks.servers import Server

FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax="*"'
"""What OHIF asks for."""
CONNECTIONS = 6
"""As many as a browser opens to a server."""
ASSOCIATIONS = 4
"""On which a modality's studies are sent at once."""
A_REQUEST = 25
"""Large slices in one STOW-RS request."""

BARS = {
    "frames": 3.0,
    "metadata": 20.0,
    "STOW": 1.3,
    "C-STORE": 1.0,
    "QIDO": 2.0,
    "rendered": 1.0,
    "frames, of bare": 0.5,
    "STOW, of bare": 0.6,
}
"""What each ratio must reach."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    slices: int
    studies: int
    seconds: float
    rounds: int


@dataclass(slots=True)
class Pair:
    """Two servers that hold the same."""

    hub: Caller
    orthanc: Caller
    sender: Caller
    """The hospital at the hub; the hub's other caller is a clinic with consents."""
    server: Server
    folder: Path
    size: Size
    database: str
    tell: Tell
    doors: tuple[int, int]
    """The ports of their DICOM doors."""

    def turns(self, measured: Callable[[Caller], float]) -> tuple[float, float]:
        """Return the medians of the hub and of Orthanc, measured in turn."""
        ours, theirs = [], []
        for _ in range(self.size.rounds):
            theirs.append(measured(self.orthanc))
            ours.append(measured(self.hub))
            servers.settle(self.server)
        return statistics.median(ours), statistics.median(theirs)

    def figure(self, name: str, measured: Callable[[Caller], float], bar: str, unit: str) -> Figure:
        """Return a figure beside Orthanc's; of times, the ratio says how many times faster the hub is."""
        ours, theirs = self.turns(measured)
        ratio = theirs / ours if unit == "ms" else ours / theirs
        self.tell(f"  {name}: {ours:.3g} beside {theirs:.3g} {unit}, {ratio:.2f} times")
        return Figure(name, ours, unit, self.database, theirs, ratio, BARS[bar])


@contextlib.contextmanager
def pair(place: Place, database: str, keep: Path, size: Size, tell: Tell) -> Iterator[Pair]:
    """Run both servers and give them what they have not got yet."""
    with contextlib.ExitStack() as stack:
        other, their_door = stack.enter_context(orthanc(keep / "orthanc"))
        # The hub itself takes the first that is free.
        door = servers.free_port() + 1
        settings, home, server = stack.enter_context(
            running_hub(place, "imaging", more={"RENKEI_DIMSE_PORT": str(door)})
        )
        if not (home / "node").exists():
            asyncio.run(_let_in(settings))
            (home / "node").touch()
        sender = Caller(server.base, "/dicomweb", setup.token(settings, setup.HOSPITAL))
        hub = Caller(server.base, "/dicomweb", setup.token(settings, setup.CLINIC))
        peer = Caller(other.base, ROOT)
        both = Pair(hub, peer, sender, server, home, size, database, tell, (door, their_door))
        _fill(both, home, keep)
        servers.settle(server)
        yield both


async def _let_in(settings: Settings) -> None:
    hub = await open_hub(settings)
    try:
        async with hub.database.write() as connection:
            await add_node(connection, Binding("modality", setup.HOSPITAL, TITLE, network="127.0.0.1"))
    finally:
        await hub.close()


def _fill(both: Pair, home: Path, keep: Path) -> None:
    if not (home / "consents").exists():
        consenting(both.sender.base, both.sender.token, min(both.size.studies, made.PATIENTS))
        (home / "consents").touch()
    for caller, note in ((both.orthanc, keep / "orthanc" / "studies"), (both.sender, home / "studies")):
        small_studies(caller, both.size.studies, note, both.tell)


def stored(both: Pair, keep: Path) -> list[Figure]:
    """Store the large study in both servers and as bare files, and return instances a second."""
    ours, theirs, least = [], [], []
    folder = keep / "bare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    core, other = servers.cores()
    for number in range(both.size.rounds):
        files = made.large(seed=1 if number == 0 else 1000 + time.time_ns() % 10**9, slices=both.size.slices)
        bodies = [made.body(files[start : start + A_REQUEST]) for start in range(0, len(files), A_REQUEST)]
        theirs.append(len(files) / both.orthanc.store(bodies))
        ours.append(len(files) / both.sender.store(bodies))
        servers.settle(both.server)
        if core is not None:
            os.sched_setaffinity(0, {core})
        began = time.monotonic()
        for start in range(0, len(files), A_REQUEST):
            bare.keep(folder, files[start : start + A_REQUEST], start)
        least.append(len(files) / (time.monotonic() - began))
        if other is not None:
            os.sched_setaffinity(0, {other})
    hub, peer, floor = (statistics.median(one) for one in (ours, theirs, least))
    both.tell(f"  STOW: {hub:.4g} beside {peer:.4g} and {floor:.4g} instances/s")
    return [
        Figure("STOW", hub, "instances/s", both.database, peer, hub / peer, BARS["STOW"]),
        Figure("STOW, of flushed writes", hub, "instances/s", both.database, floor, hub / floor, BARS["STOW, of bare"]),
    ]


def sent(both: Pair, keep: Path) -> list[Figure]:
    """Send large studies by C-STORE, on one association and on several, and return instances a second."""
    found = []
    for number in (1, ASSOCIATIONS):
        rates: tuple[list[float], list[float]] = ([], [])
        slices = both.size.slices // number
        for _ in range(both.size.rounds):
            folder = keep / "sent"
            shutil.rmtree(folder, ignore_errors=True)
            folders = studies(folder, number, slices, time.time_ns() % 10**9)
            for port, rate_of in zip(reversed(both.doors), reversed(rates), strict=True):
                rate_of.append(rate(port, folders, slices))
            servers.settle(both.server)
        ours, theirs = map(statistics.median, rates)
        name = "C-STORE" if number == 1 else f"C-STORE, {number} associations"
        both.tell(f"  {name}: {ours:.4g} beside {theirs:.4g} instances/s, {ours / theirs:.2f} times")
        found.append(Figure(name, ours, "instances/s", both.database, theirs, ours / theirs, BARS["C-STORE"]))
    return found


def _frames(both: Pair) -> tuple[str, list[str]]:
    study, series = made.series_of_large()
    found = orjson.loads(both.hub.body(f"/studies/{study}/series/{series}/instances?limit=1000"))
    instances = [one["00080018"]["Value"][0] for one in found]
    place = f"/studies/{study}/series/{series}"
    return place, [f"{place}/instances/{one}" for one in instances]


def looked_at(both: Pair) -> list[Figure]:
    """Measure what a viewer asks: metadata, frames, rendered pictures."""
    series, instances = _frames(both)
    quick = both.size.seconds

    def pace(caller: Caller) -> float:
        listed = both.folder / f"{caller.root.strip('/')}.addresses"
        listed.write_text("".join(f"{caller.root}{one}/frames/1\n" for one in instances))
        core = servers.cores()[1]
        asked = load.ask(
            caller.base, listed, caller.token, seconds=quick, core=core, connections=CONNECTIONS, accept=FRAMES
        )
        return asked.per_second

    return [
        both.figure("frames", pace, "frames", "requests/s"),
        _of_bare(both, instances, pace),
        both.figure(
            f"metadata of {len(instances)}",
            lambda caller: caller.ask([f"{series}/metadata"], JSON, seconds=quick),
            "metadata",
            "ms",
        ),
        both.figure(
            "rendered",
            lambda caller: caller.ask([f"{one}/rendered" for one in instances], "image/jpeg", seconds=quick),
            "rendered",
            "ms",
        ),
    ]


def _of_bare(both: Pair, instances: list[str], pace: Callable[[Caller], float]) -> Figure:
    files = made.large(slices=both.size.slices)
    places = {}
    for number, (address, file) in enumerate(zip(instances, files, strict=True)):
        path = both.folder / f"bare-{number}"
        path.write_bytes(file)
        offset = len(file) - made.EDGE * made.EDGE * 2
        places[f"{both.hub.root}{address}/frames/1"] = (str(path), offset, made.EDGE * made.EDGE * 2)
    listed = both.folder / "bare.json"
    listed.write_text(json.dumps(places))
    application, log = "benchmarks.imaging.bare:SameFrames", both.folder / "bare.log"
    with servers.bare(application, {"YARDSTICK_FRAMES": str(listed)}, next(iter(places)), log) as server:
        ours, least = [], []
        for _ in range(both.size.rounds):
            least.append(pace(Caller(server.base, both.hub.root, "none")))
            ours.append(pace(both.hub))
    hub, floor = statistics.median(ours), statistics.median(least)
    both.tell(f"  frames: {hub:.4g} beside {floor:.4g} requests/s of a bare application")
    return Figure("frames, of bare", hub, "requests/s", both.database, floor, hub / floor, BARS["frames, of bare"])


def searched(both: Pair) -> list[Figure]:
    """Measure searches among all studies, with other values each time."""
    numbers = [number * 7919 % both.size.studies for number in range(200)]
    chosen = [made.Small(number) for number in numbers]
    questions = {
        "a patient": [f"/studies?PatientID={one.patient_id}" for one in chosen],
        "a day": [f"/studies?StudyDate={one.date}&limit=50" for one in chosen],
        "an accession": [f"/studies?AccessionNumber=A{one.number:08d}" for one in chosen],
        "a study": [f"/studies?StudyInstanceUID={one.uid}" for one in chosen],
        "a name": [f"/studies?PatientName={one.name.partition('^')[0]}*&limit=25" for one in chosen],
        "the first page": ["/studies?limit=50"],
        "its series": [f"/studies/{one.uid}/series" for one in chosen],
    }
    return [
        both.figure(
            f"QIDO, {name}",
            lambda caller, addresses=addresses: caller.ask(addresses, JSON, seconds=both.size.seconds),  # type: ignore[misc]
            "QIDO",
            "ms",
        )
        for name, addresses in questions.items()
    ]


def measure(place: Place, database: str, keep: Path, size: Size, tell: Tell) -> list[Figure]:
    """Return the figures of one engine.

    Args:
        place: Where the hub's data lie.
        database: The engine's name.
        keep: The folder of Orthanc's data.
        size: How much is measured.
        tell: Shows progress.
    """
    with pair(place, database, keep, size, tell) as both:
        return [*stored(both, keep), *sent(both, keep), *looked_at(both), *searched(both)]
