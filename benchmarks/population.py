"""The population is loaded through the hub, transaction by transaction; a run that was stopped is taken up again.

What is loaded is kept as a number beside the data. Transactions are whole or absent, so after a stop each person of
the batch in work is asked for, and only those that are absent are sent.
"""

import time
from collections.abc import Iterator, Sequence

from benchmarks import charts
from benchmarks.asking import Asking
from benchmarks.bench import Bench
from benchmarks.ingest import Loaded, push


class TooMany(Exception):
    """The kept folder is of a larger size than what is to be measured."""


BATCH = 200
"""Persons between two notes of how far the load is."""


def _noted(bench: Bench) -> int:
    return int((bench.folder / "persons").read_text())


def _note(bench: Bench, persons: int) -> None:
    # Renamed, so that a stop leaves the old note or the new one.
    made = bench.folder / "persons.new"
    made.write_text(str(persons))
    made.replace(bench.folder / "persons")


def _absent(bench: Bench, numbers: Sequence[int]) -> list[int]:
    with Asking(bench.server.base, bench.hospital) as asking:
        return [n for n in numbers if not asking.json(f"/fhir/Patient?identifier={charts.identifier(n)}").get("total")]


def _batches(begin: int, end: int) -> Iterator[range]:
    for first in range(begin, end, BATCH):
        yield range(first, min(first + BATCH, end))


def load(bench: Bench) -> None:
    """Load the persons of this scale that are not there yet.

    Raises:
        TooMany: there are more persons already.
        httpx.HTTPStatusError: the hub refused a transaction.
    """
    wanted = bench.size.persons * bench.scale
    noted = _noted(bench)
    if noted > wanted:
        raise TooMany(f"{bench.folder} holds {noted:,} persons, more than {wanted:,}; please keep another folder")
    if noted == 0:
        push(bench.server.base, bench.hospital, [charts.directory()], Loaded())
    elif noted < wanted:
        bench.tell(f"  {noted:,} persons are there already")
    began, count, told = time.monotonic(), 0, time.monotonic()
    for number, batch in enumerate(_batches(noted, wanted)):
        # Only the batch that a stop broke off can be there in part.
        people = _absent(bench, batch) if number == 0 else batch
        made = [charts.chart(one) for one in people]
        push(bench.server.base, bench.hospital, [one.body for one in made], Loaded())
        count += sum(len(one.resources) for one in made)
        _note(bench, batch.stop)
        if time.monotonic() - told > 10 or batch.stop == wanted:
            told = time.monotonic()
            bench.tell(
                f"  {batch.stop:,} of {wanted:,} persons, {count:,} resources at {count / (told - began):,.0f}/s"
            )
