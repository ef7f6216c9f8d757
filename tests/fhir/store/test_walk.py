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
    "bodies": walk._bodies(VISIBILITY),
    "versions": walk._versions(VISIBILITY),
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
        ([1] * 130, [64, 64, 2]),
    ],
)
async def test_a_chunk_holds_few_resources_and_few_bytes(sizes: list[int], expected: list[int]) -> None:
    assert [len(chunk) for chunk in walk.chunks([key(size) for size in sizes])] == expected
