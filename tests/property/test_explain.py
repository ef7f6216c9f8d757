"""The law of explaining: the verdict on each record is what gate 2 does, in random worlds, for random askers."""

import random
from collections import Counter

import pytest
from sqlalchemy import bindparam, select

from app.consent.decide import finds, may_see
from app.consent.explain.verdict import RULES, explain
from app.consent.explain.words import Facts
from fhir.store.tables import resource
from tests.property.test_non_interference import build, caller, prepared
from tests.property.worlds import NOW_MICROSECONDS, a_world, an_asker
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

_COLUMNS = ("patient_key", "row", "custodian", "author", "category", "labels", "clinical_date")
_ALL = select(*(resource.c[name] for name in _COLUMNS)).where(resource.c.row > bindparam("zero", 0))


async def compare(world: World, keys: dict[str, int], seed: int, size: int) -> Counter[str]:
    """Compare every verdict in the world of a seed with gate 2, and return how often each rule decided."""
    chance, settings = random.Random(seed), world.hub.settings
    made = a_world(chance, size)
    await build(world, keys, made)
    reader, counted = world.hub.database.reader, Counter[str]()
    records = [Facts(*row) for row in await reader.fetch(_ALL, {"zero": 0})]
    for _ in range(3):
        by = await caller(world, keys, an_asker(chance, made))
        implied, found = settings.consent == "implied", finds(settings.find_patients, by.purpose)
        visibility = may_see(by, now=NOW_MICROSECONDS, implied=implied, finds=found)
        exist = select(resource.c.patient_key, resource.c.row).where(visibility.condition(resource))
        seen = {tuple(row) for row in await reader.fetch(exist, visibility.values)}
        for one in records:
            told = await explain(reader, by, one, now=NOW_MICROSECONDS, implied=implied, finds=found)
            assert told.seen == ((one.patient_key, one.row) in seen), (seed, by, one, told)
            assert told.rule in RULES
            counted[told.rule] += 1
    return counted


@pytest.mark.parametrize(("consent", "find"), [("explicit", "region"), ("implied", "consent")])
async def test_the_verdict_is_what_gate_two_does(world: World, consent: str, find: str) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"consent": consent, "find_patients": find})
    keys = await prepared(world)
    counted: Counter[str] = Counter()

    for seed in range(6):
        counted += await compare(world, keys, seed, 40)

    expected = {
        "own",
        "directory",
        "permit",
        "denied",
        "silent",
        "role",
        "several",
        "undelivered",
        "label",
        "break-glass",
    }
    assert (expected | ({"found"} if find == "region" else set())) <= set(counted), counted
