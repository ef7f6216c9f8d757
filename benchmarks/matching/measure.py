"""Measures the index as it is: links and queue that a hub has made of written records, against the truth.

Pairs are counted: of two records of one person. A person with four records is six pairs, whichever were compared.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from app.consent.visibility import EVERYTHING_VISIBLE
from app.hub import Hub
from app.identity.candidates import find_candidates, read_candidates
from app.identity.keys import keys
from app.identity.match import judge
from app.identity.queue import State
from app.identity.tables import identity_pair, person_patient
from benchmarks.matching.load import add_sites, write_records
from benchmarks.matching.people import people
from benchmarks.matching.records import records

SAMPLE = 1500
"""Patients that are matched anew, for the speed."""

_PERSONS = select(person_patient.c.patient_key, person_patient.c.person)
_QUEUE = select(identity_pair.c.one, identity_pair.c.other).where(identity_pair.c.state == int(State.OPEN))


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured."""

    records: int
    pairs: int
    """True pairs."""
    precision: float
    """Of the linked pairs, the share that are one person's."""
    wrong: int
    """Linked pairs of two persons."""
    recall: float
    """Of the true pairs, the share that the index linked."""
    recall_with_queue: float
    """The same, once a person has decided each pair of the queue rightly."""
    queue: float
    """Pairs in the queue, as a share of the records."""
    written_per_second: float
    """Records a second, stored, indexed, matched and linked."""
    decided_per_second: float
    """Candidates a second: read, compared and graded."""
    match_microseconds: float
    """To match one Patient, from its keys to the grades of all its candidates."""
    candidates: float
    """Candidates of one Patient, in the mean."""


class Groups:
    """Who is one with whom, joined pair by pair."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def of(self, one: int) -> int:
        """Return what stands for the group of `one`."""
        while (above := self._above.get(one, one)) != one:
            one = above
        return one

    def join(self, one: int, other: int) -> None:
        """Join two groups."""
        self._above[self.of(one)] = self.of(other)


def pairs_of(groups: Iterable[Hashable]) -> int:
    """Return how many pairs are inside groups, given the group of each member."""
    return sum(count * (count - 1) // 2 for count in Counter(groups).values())


def agreement(truth: Mapping[int, int], linked: Mapping[int, int]) -> tuple[int, int, int]:
    """Return the numbers of true pairs, of linked pairs, and of pairs that are both."""
    both = pairs_of((truth[key], linked[key]) for key in truth)
    return pairs_of(truth.values()), pairs_of(linked[key] for key in truth), both


def reviewed(truth: Mapping[int, int], linked: Mapping[int, int], queue: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the groups once each pair of the queue was decided rightly."""
    groups = Groups()
    first: dict[int, int] = {}
    for key in truth:
        groups.join(key, first.setdefault(linked[key], key))
    for one, other in queue:
        if truth[one] == truth[other]:
            groups.join(one, other)
    return {key: groups.of(key) for key in truth}


async def _speed(hub: Hub, chosen: list[int]) -> tuple[float, int]:
    """Return the seconds to match Patients anew, and how many candidates were decided."""
    reader = hub.database.reader
    asked = await read_candidates(reader, EVERYTHING_VISIBLE, chosen)
    begun, count = time.perf_counter(), 0
    for one in asked:
        candidates = await find_candidates(reader, EVERYTHING_VISIBLE, keys(one.traits), without=one.key)
        count += len([judge(one.traits, candidate) for candidate in candidates])
    return time.perf_counter() - begun, count


async def measure(hub: Hub, count: int, seed: int) -> Found:
    """Let a hub without Patients index the records of `count` made-up people and return how it did."""
    chance = random.Random(seed)
    made = list(records(people(chance, count), chance))
    sites = await add_sites(hub)
    begun = time.perf_counter()
    truth = await write_records(hub, sites, made)
    written = time.perf_counter() - begun
    rows = await hub.database.reader.fetch(_PERSONS, {})
    linked = {int(key): int(person) for key, person in rows}
    queue = [(int(one), int(other)) for one, other in await hub.database.reader.fetch(_QUEUE, {})]
    pairs, together, both = agreement(truth, linked)
    _, _, with_queue = agreement(truth, reviewed(truth, linked, queue))
    chosen = chance.sample(sorted(truth), min(SAMPLE, len(truth)))
    seconds, decided = await _speed(hub, chosen)
    return Found(
        records=len(truth),
        pairs=pairs,
        precision=both / together if together else 1.0,
        wrong=together - both,
        recall=both / pairs,
        recall_with_queue=with_queue / pairs,
        queue=len(queue) / len(truth),
        written_per_second=len(truth) / written,
        decided_per_second=decided / seconds,
        match_microseconds=seconds / len(chosen) * 1e6,
        candidates=decided / len(chosen),
    )


def by_error(made: Iterable[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    """Return, by the error of a record, how many pairs with it there are and how many of them were linked."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for error, is_linked in made:
        found[error][0] += 1
        found[error][1] += is_linked
    return {error: (counts[0], counts[1]) for error, counts in found.items()}
