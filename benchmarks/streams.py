"""`$everything` beside a bare stream of the same bytes, and `$export`."""

import statistics
import time
from collections.abc import Sequence

import orjson

from benchmarks import load, servers
from benchmarks.asking import Asking
from benchmarks.bench import BARS, Bench
from benchmarks.figures import Figure
from benchmarks.load import middle

CALLERS = 4
"""Connections that stream at once."""

MEGABYTE = 1e6


def everything(bench: Bench, patients: Sequence[str]) -> list[Figure]:
    """Measure the whole record of persons with a thousand resources, hub and bare stream in turn."""
    addresses = [f"/fhir/Patient/{one}/$everything" for one in patients]
    with Asking(bench.server.base, bench.clinic) as asking:
        bodies = [asking.get(address)[2] for address in addresses]
    entries = statistics.median(len(orjson.loads(body)["entry"]) for body in bodies)
    listed, body = bench.folder / "everything.addresses", bench.folder / "everything.body"
    listed.write_text("\n".join(addresses) + "\n")
    body.write_bytes(sorted(bodies, key=len)[len(bodies) // 2])
    size = statistics.fmean(len(one) for one in bodies)
    seconds, core = bench.size.seconds, servers.cores()[1]
    ours, theirs, spent = [], [], 0.0
    environment = {"YARDSTICK_BODY": str(body)}
    with servers.bare("SameStream", environment, addresses[0], bench.folder / "yardstick.log") as yardstick:
        for _ in range(bench.size.rounds):
            theirs.append(load.ask(yardstick.base, listed, "", seconds=seconds, core=core, connections=CALLERS))
            before = bench.processor_seconds()
            ours.append(
                load.ask(bench.server.base, listed, bench.clinic, seconds=seconds, core=core, connections=CALLERS)
            )
            servers.settle(bench.server)
            spent += bench.processor_seconds() - before
    bench.tell(f"  $everything: {entries:,.0f} resources, {size:,.0f} bytes")
    hub = middle(ours).per_second * size / MEGABYTE
    bare = middle(theirs).per_second * len(body.read_bytes()) / MEGABYTE
    return [
        Figure(
            "$everything",
            hub,
            "MB/s",
            bench.database,
            bare,
            hub / bare,
            BARS["$everything", bench.database],
            bench.scale,
            spent / middle(ours).requests * 1e3,
        )
    ]


def export(bench: Bench) -> Figure:
    """Export what the clinic may see of all patients, and fetch the files."""
    before, began, lines = bench.processor_seconds(), time.monotonic(), 0
    with Asking(bench.server.base, bench.clinic) as asking:
        _, headers, _ = asking.get("/fhir/Patient/$export", {"Prefer": "respond-async"})
        place = headers["Content-Location"].removeprefix(bench.settings.address)
        while True:
            status, _, body = asking.get(place, {"Accept": "application/json"})
            if status == 200:
                break
            time.sleep(0.1)
        ready = time.monotonic() - began
        for file in orjson.loads(body)["output"]:
            address = file["url"].removeprefix(bench.settings.address)
            lines += asking.get(address, {"Accept": "application/fhir+ndjson"})[2].count(b"\n")
    seconds = time.monotonic() - began
    servers.settle(bench.server)
    spent = (bench.processor_seconds() - before) / lines
    bench.tell(f"  export: {lines:,} resources, ready after {ready:.1f} s, fetched after {seconds:.1f} s")
    return Figure(
        "export", lines / seconds, "resources/s", bench.database, scale=bench.scale, processor_milliseconds=spent * 1e3
    )
