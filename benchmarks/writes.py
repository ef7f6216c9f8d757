"""create, update, conditional create and transaction by several callers, at the scale that is loaded."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random

import orjson

from benchmarks import charts, load, region, servers
from benchmarks.bench import Bench
from benchmarks.figures import Figure

CALLERS = 8
"""Connections that write at once."""

COUNTER = "@N@"
"""What the load generator puts a number for, another one each time."""

_SYSTEM = "urn:oid:1.2.392.999999.2"
_SEED = 393


def _line(method: str, address: str, body: bytes, if_none_exist: str = "") -> str:
    return f"{method}\t{address}\t{if_none_exist}\t{body.decode()}"


def _result(patient: str, value: str, chance: Random) -> dict[str, object]:
    made = region.observation(f"Patient/{patient}", chance.randrange(60), chance)
    return {**made, "identifier": [{"system": _SYSTEM, "value": value}]}


def _creates(patients: Sequence[str], value: str, *, conditional: bool) -> Iterable[str]:
    chance = Random(_SEED)
    condition = f"identifier={_SYSTEM}|{value}" if conditional else ""
    for patient in patients:
        yield _line("POST", "/fhir/Observation", orjson.dumps(_result(patient, value, chance)), condition)


def _updates(patients: Sequence[str], observations: Sequence[str]) -> Iterable[str]:
    chance = Random(_SEED)
    # More than there are callers, so that no two of them write the same one at once.
    for patient, id_ in zip([*patients, *patients], observations, strict=True):
        body = orjson.dumps({**_result(patient, COUNTER, chance), "id": id_})
        yield _line("PUT", f"/fhir/Observation/{id_}", body)


def _transactions() -> Iterable[str]:
    for number in range(50):
        # Persons beyond all that are loaded.
        yield _line("POST", "/fhir", charts.chart(90_000_000 + 2 * number).body)


def _figure(bench: Bench, name: str, lines: Iterable[str], each: float = 1) -> Figure:
    listed: Path = bench.folder / "writes"
    listed.write_text("\n".join(lines) + "\n")
    servers.settle(bench.server)
    before = bench.processor_seconds()
    pace = load.ask(
        bench.server.base,
        listed,
        bench.hospital,
        seconds=bench.size.seconds,
        core=servers.cores()[1],
        connections=CALLERS,
        first=time.time_ns() // 1_000_000,
    )
    servers.settle(bench.server)
    spent = (bench.processor_seconds() - before) / pace.requests / each
    unit = "requests/s" if each == 1 else "resources/s"
    return Figure(
        name, pace.per_second * each, unit, bench.database, scale=bench.scale, processor_milliseconds=spent * 1e3
    )


def writes(bench: Bench, patients: Sequence[str], observations: Sequence[str]) -> list[Figure]:
    """Measure each kind of write.

    Args:
        bench: The hub.
        patients: Whose records are written to.
        observations: Two results of each of them, all first ones before all second ones.
    """
    each = sum(len(charts.chart(90_000_000 + 2 * number).resources) for number in range(50)) / 50
    return [
        _figure(bench, "create", _creates(patients, COUNTER, conditional=False)),
        _figure(bench, "update", _updates(patients, observations)),
        _figure(bench, "conditional create, new", _creates(patients, f"c-{COUNTER}", conditional=True)),
        _figure(bench, "conditional create, there", _creates(patients[:1], "same", conditional=True)),
        _figure(bench, "transaction", _transactions(), each),
    ]
