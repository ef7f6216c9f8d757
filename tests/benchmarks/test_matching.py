"""The index tells made-up people apart; the generator makes what it says, and knows nothing of the matcher."""

import ast
import random
from collections import Counter
from pathlib import Path

import pytest

from app.lifecycle import open_hub
from app.settings import Settings
from benchmarks.matching.__main__ import BARS, holds, table
from benchmarks.matching.measure import Found, agreement, measure, reviewed
from benchmarks.matching.people import people
from benchmarks.matching.records import ERRORS, SITES, half_width, records

pytestmark = pytest.mark.anyio

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "matching"


async def run(settings: Settings, count: int, seed: int) -> Found:
    hub = await open_hub(settings)
    hub.audit.start()
    try:
        return await measure(hub, count, seed)
    finally:
        await hub.close()


async def test_few_people_are_told_apart(settings: Settings) -> None:
    # Bars of shares alone, and loose ones: of so few pairs one is already a thousandth; speed is `make soak`'s.
    found = await run(settings, 300, 7)

    assert found.wrong == 0
    assert found.pairs > 400
    assert found.recall >= 0.80
    assert found.recall_with_queue >= 0.97
    assert found.queue <= 0.08
    assert "| true pairs |" in table([found])


@pytest.mark.soak
async def test_a_region_is_told_apart(settings: Settings) -> None:
    found = await run(settings, 19_000, 20_261_128)

    assert found.records >= 40_000
    assert found.pairs >= 30_000
    assert [title for title, name, bar, side in BARS if not holds(found, name, bar, side)] == []


def test_the_records_are_as_many_and_as_wrong_as_is_said() -> None:
    chance = random.Random(3)

    made = list(records(people(chance, 2_000), chance))
    errors = Counter(error for one in made for error in one.errors)

    assert {one.site for one in made} == set(range(len(SITES)))
    assert 1.9 < len(made) / 2_000 < 2.5
    for error in ("kana mistyped", "no insurance", "no telephone", "birth date mistyped"):
        assert ERRORS[error] * 0.5 < errors[error] / len(made) < ERRORS[error] * 1.6, error
    assert sum(one.patient.get("multipleBirthBoolean", False) for one in made) > 0
    assert half_width("ガッコウ パン") == "ｶﾞｯｺｳ ﾊﾟﾝ"


def test_the_same_seed_makes_the_same_records() -> None:
    def make() -> list[object]:
        chance = random.Random(5)
        return [(one.site, one.person, one.patient) for one in records(people(chance, 50), chance)]

    assert make() == make()


def test_the_generator_knows_nothing_of_the_matcher() -> None:
    for name in ("names", "people", "records"):
        tree = ast.parse((FOLDER / f"{name}.py").read_text())
        taken = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        taken |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert not [one for one in taken if one and one.startswith(("app", "fhir", "jntajis"))], name


def test_pairs_are_counted_by_groups() -> None:
    truth = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2}
    linked = {1: 9, 2: 9, 3: 3, 4: 3, 5: 5}

    assert agreement(truth, linked) == (4, 2, 1)
    after = reviewed(truth, linked, [(2, 3), (3, 5)])
    assert after[1] == after[2] == after[3]
    assert agreement(truth, after)[2] == 3
