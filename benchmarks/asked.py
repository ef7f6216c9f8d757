"""Who and what is asked for, by the ids that the hub gave them."""

from collections.abc import Sequence

from benchmarks import charts, region
from benchmarks.asking import Asking
from benchmarks.bench import Bench


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """Return at most `most` of `numbers`, spread over all of them."""
    return list(numbers[:: max(1, len(numbers) // most)][:most])


def _patients(bench: Bench, numbers: Sequence[int]) -> list[str]:
    """Return the ids of the Patients of persons."""
    found = []
    with Asking(bench.server.base, bench.hospital) as asking:
        for number in numbers:
            answer = asking.json(f"/fhir/Patient?identifier={charts.identifier(number)}")
            found.append(answer["entry"][0]["resource"]["id"])
    return found


def results(bench: Bench, ids: Sequence[str]) -> list[str]:
    """Return the ids of two results of each of some Patients, all first ones before all second ones."""
    pairs = []
    with Asking(bench.server.base, bench.hospital) as asking:
        for one in ids:
            answer = asking.json(f"/fhir/Observation?patient=Patient/{one}&code={region.HBA1C[0]}&_count=2")
            pairs.append([entry["resource"]["id"] for entry in answer["entry"]])
    return [pair[place] for place in (0, 1) for pair in pairs]


def chronic(bench: Bench) -> list[str]:
    """Return the ids of the persons with diabetes that are asked for."""
    persons = bench.size.persons * bench.scale
    return _patients(bench, _spread([n for n in range(persons) if charts.is_chronic(n)], bench.size.asked))


def large(bench: Bench) -> list[str]:
    """Return the ids of up to eight persons with a thousand resources."""
    persons = bench.size.persons * bench.scale
    return _patients(bench, _spread([n for n in range(persons) if charts.is_large(n)] or [charts.LARGE_AT], 8))
