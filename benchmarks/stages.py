"""The stages of a write that work on the body alone, in this process, beside `orjson.loads` of the same bytes."""

import random
import statistics
import time
from collections.abc import Callable

import orjson

from benchmarks import entries, region
from benchmarks.figures import Figure
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.search.extract import extract

MOST_TIMES_LOADS = 12
"""Each stage may take so many times as long as `orjson.loads`."""

ROUNDS, CALLS = 15, 400


def _microseconds(call: Callable[[], object]) -> float:
    """Return the processor time of a call."""
    began = time.process_time()
    for _ in range(CALLS):
        call()
    return (time.process_time() - began) / CALLS * 1e6


def _stages(name: str, body: bytes) -> list[Figure]:
    loaded, parsed = orjson.loads(body), parse(body)
    calls: list[Callable[[], object]] = [lambda: orjson.loads(body), lambda: check(loaded), lambda: extract(parsed)]
    # In turn, so that what disturbs one disturbs all.
    rounds = [[_microseconds(call) for call in calls] for _ in range(ROUNDS)]
    figures = []
    for number, stage in enumerate(("structure check", "index extraction"), 1):
        ratio = statistics.median(one[0] / one[number] for one in rounds)
        spent, loads = (statistics.median(one[place] for one in rounds) for place in (number, 0))
        figures.append(Figure(f"{stage}, {name}", spent, "us", "-", loads, ratio, 1 / MOST_TIMES_LOADS))
    return figures


def stages() -> list[Figure]:
    """Measure structure check and index extraction of an Observation, with and without components."""
    chance = random.Random(392)
    patient = "Patient/0123456789abc"
    bodies = {
        "Observation": region.observation(patient, 0, chance),
        "with components": entries.blood_pressure(patient, chance),
    }
    return [figure for name, one in bodies.items() for figure in _stages(name, orjson.dumps(one))]
