"""The law of search: SQL finds what a plain reading of the resources finds, and in its order, for all who ask."""

import random
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property import oracle
from tests.property.plain_search import PARAMETERS, PlainSearch, question, sort_key
from tests.property.test_non_interference import (
    EXAMPLES,
    SEEDS,
    ask_all_pages,
    build,
    caller,
    prepare_once,
    region,
)
from tests.property.worlds import a_world, an_asker
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

TYPES = sorted({type_name for type_name, _ in PARAMETERS})


async def compare(world: World, keys: dict[str, int], seed: int, size: int, count: int) -> int:
    """Ask `count` questions about the world of a seed and return how many matches there were."""
    chance = random.Random(seed)
    made = a_world(chance, size)
    await build(world, keys, made)
    known = await region(world, made)
    there = [row for row in made.rows if not row.deleted]
    asker = an_asker(chance)
    by = await caller(world, keys, asker)
    visible = PlainSearch([row for row in there if oracle.visible(row, asker, known)])
    everything = PlainSearch(there)
    matches = 0
    async with world.hub.database.write() as connection:
        for _ in range(count):
            type_name = chance.choice((*TYPES, "Observation", "Patient"))
            pairs = [
                question(chance, made, type_name, chance.choice((0, 0, 1, 1, 2, 3)))
                for _ in range(chance.choice((1, 1, 1, 2)))
            ]
            # What is asked by `patient` is asked of the person: another law holds for that.
            pairs = [
                ("subject" if name == "patient" and type_name == "Observation" else name, text) for name, text in pairs
            ]
            if any(name == "patient" for name, _ in pairs):
                continue
            key = chance.choice(("", "-")) + sort_key(chance, type_name, chance.choice((0, 1, 1, 2)))
            asked = ("GET", type_name, urlencode([*pairs, ("_count", "1000"), ("_sort", key)]))
            for plain, how in ((visible, {}), (everything, {"all_seeing_on": connection})):
                (answer,) = await ask_all_pages(world, by, asked, **how)
                assert answer[0] == 200, (asked, answer[2])
                found = orjson.loads(answer[2])
                ids = [entry["resource"]["id"] for entry in found.get("entry", ())]
                order = [plain.order(type_name, id_, key) for id_ in ids]
                assert order == sorted(order), (asked, bool(how))
                assert sorted(ids) == plain.ids(type_name, pairs), (type_name, pairs, bool(how))
                assert found["total"] == len(ids)
                matches += len(ids)
    return matches


@settings(EXAMPLES, max_examples=6)
@given(seed=SEEDS, size=st.integers(20, 90), consent=st.sampled_from(["explicit", "implied"]))
async def test_a_search_finds_what_a_plain_reading_finds(world: World, seed: int, size: int, consent: str) -> None:
    await compare(world, await prepare_once(world, consent), seed, size, count=30)


async def test_the_questions_have_answers(world: World) -> None:
    keys = await prepare_once(world, "implied")

    assert sum([await compare(world, keys, seed, 90, count=30) for seed in range(2)]) > 40


@pytest.mark.soak
@settings(EXAMPLES, derandomize=False, max_examples=1_000)
@given(seed=SEEDS, size=st.integers(0, 150), consent=st.sampled_from(["explicit", "implied"]))
async def test_a_search_finds_it_in_thousands_of_worlds(world: World, seed: int, size: int, consent: str) -> None:
    await compare(world, await prepare_once(world, consent), seed, size, count=40)
