"""Long walks: chunks are bounded, and their statements read by keys on both databases."""

import pytest
from sqlalchemy import ClauseElement

from app.consent.decide import may_see
from app.identity.scope import patient_keys
from fhir.store import walk
from fhir.store.types import NUMBERS
from tests.fhir.search.test_plans import CALLER, _scans, explained
from tests.world import World

pytestmark = pytest.mark.anyio

VISIBILITY = may_see(CALLER, now=0, implied=False)
ALL = tuple(sorted(NUMBERS.values()))
STATEMENTS: dict[str, ClauseElement] = {
    "keys of a person": walk._keys_of_person(VISIBILITY, patient_keys, ALL, False),
    "keys of a person in a time": walk._keys_of_person(VISIBILITY, patient_keys, ALL, True),
    "what is referred to": walk._referred_keys(VISIBILITY, ALL),
    "keys of a type": walk._keys_of_type(VISIBILITY, True),
    "the end of a window": walk._WINDOW_END,
    "bodies": walk._bodies(VISIBILITY, walk._MANY),
    "bodies of few": walk._bodies(VISIBILITY, walk._FEW),
    "versions": walk._versions(VISIBILITY, walk._MANY),
    "versions of few": walk._versions(VISIBILITY, walk._FEW),
}


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_walk_reads_no_table_whole(world: World, name: str) -> None:
    lines = await explained(world.hub, STATEMENTS[name])

    assert _scans(lines) == [], lines


def key(size: int) -> walk.Key:
    return walk.Key(1, 1, size, 0, 1)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([10], [1]),
        ([400_000, 400_000, 400_000], [2, 1]),
        ([5_000_000, 10, 10], [1, 2]),
        ([10, 5_000_000, 10], [1, 1, 1]),
        ([1] * 1_030, [500, 500, 30]),
    ],
)
async def test_a_chunk_holds_few_resources_and_few_bytes(sizes: list[int], expected: list[int]) -> None:
    assert [len(chunk) for chunk in walk.chunks([key(size) for size in sizes])] == expected


@pytest.mark.parametrize(
    ("patients", "expected"),
    [
        ([number % 8 for number in range(600)], [500, 100]),
        ([number % 9 for number in range(130)], [64, 64, 2]),
        ([*[0] * 100, *range(1, 9), 0], [107, 2]),
    ],
    ids=["few", "many", "many after few"],
)
async def test_a_chunk_of_many_patients_holds_fewer(patients: list[int], expected: list[int]) -> None:
    places = [walk.Key(patient, number, 1, 0, 1) for number, patient in enumerate(patients)]

    assert [len(chunk) for chunk in walk.chunks(places)] == expected
