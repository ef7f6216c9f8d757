"""`python -m benchmarks.decision`: what the decision of gate 2 costs of a read, and how it grows with the region.

Regions of 1,000 and of 1,000,000 people with three grants each lie in an SQLite file of their own, made without the
hub's writes: people, grants, and the records of a few of them. The same reads are made under a caller's visibility and
under one that hides nothing; what is between them is the decision. A whole read is one through all four gates.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx

from app.consent.provisions import RECORDED, Rule
from app.consent.tables import PERMIT, consent_grant
from app.consent.visibility import EVERY_CATEGORY, EVERYTHING_VISIBLE, visibility
from app.db.database import Database
from app.db.migrate import upgrade
from app.hub import Hub
from app.identity.tables import person_patient
from app.main import create_app
from app.settings import Settings
from fhir.search.date import MAX
from fhir.search.hashing import hash64
from fhir.store.categories import Category
from fhir.store.connection import Visibility
from fhir.store.read import read
from fhir.store.tables import NO_DATE, patient_chart, resource, resource_id, resource_version
from fhir.store.types import NUMBERS
from tests.world import World, add_sites

GRANTS = 3
ASKED = 500
"""People whose records are read."""
ROUNDS = 101
"""Of the decision; WHOLE_ROUNDS of a whole read."""
WHOLE_ROUNDS = 9
SHARE, GROWTH = 0.10, 1.2
"""The bars: of a read, and of the decision in the smaller region."""

_AT_ONCE = 50_000
_BODY = b'{"resourceType":"Observation","id":"%d","status":"final","code":{"text":"HbA1c"}}'


@dataclass(frozen=True, slots=True)
class Region:
    """A hub with a region of so many people."""

    people: int
    hub: Hub
    ids: Sequence[str]
    caller: Visibility
    whole: float
    """The seconds of a read through all four gates."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a decision costs in a region, in seconds."""

    region: Region
    decided: float
    """The statement of a read that is decided."""
    decision: float
    """What the decision is of that."""


def _grants(person: int) -> list[tuple[int, ...]]:
    """Return the grants of a person: one to the asking site, two to others."""
    found = []
    for number in range(GRANTS):
        rule = Rule(
            *(0, number, PERMIT, 0, (3, 4, 5)[number], 0, 0, 0, 0, 0, 0, NO_DATE, MAX, NO_DATE, MAX),
            *(RECORDED.data, RECORDED.target, 0),
        )
        found.append((person, person * 10 + number, 0, *_columns(rule)))
    return found


def _columns(rule: Rule) -> tuple[int, ...]:
    return tuple(getattr(rule, column.name) for column in list(consent_grant.columns)[3:])


async def fill(database: Database, people: int) -> list[str]:
    """Write a region and return the ids of the records that are asked for."""
    asked = range(1, people + 1, max(1, people // ASKED))
    for begin in range(1, people + 1, _AT_ONCE):
        some = range(begin, min(begin + _AT_ONCE, people + 1))
        async with database.write() as connection:
            await connection.insert(person_patient, [(person, person) for person in some])
            await connection.insert(consent_grant, [grant for person in some for grant in _grants(person)])
    kind, identity = NUMBERS["Observation"], int(Category.LABORATORY)
    async with database.write() as connection:
        for person in asked:
            row, id_ = 10_000_000 + person, str(person)
            facts = (kind, id_, 1, 0, 1, 1, identity, 0, NO_DATE, 0, 1)
            await connection.insert(resource, [(person, row, *facts)])
            await connection.insert(resource_id, [(hash64(f"Observation/{id_}"), person, row)])
            await connection.insert(resource_version, [(person, row, 1, 0, 1, _BODY % person, b"", b"")])
            await connection.insert(patient_chart, [(person, person)])
    return [str(person) for person in asked]


async def _once(hub: Hub, ids: Sequence[str], seen: Visibility) -> float:
    """Return the time of a read, in seconds."""
    begin = perf_counter()
    for id_ in ids:
        if await read(hub.database.reader, seen, "Observation", id_) is None:
            raise RuntimeError(f"Observation/{id_} was not read")
    return (perf_counter() - begin) / len(ids)


async def _decision(one: Region) -> tuple[float, float]:
    """Return the time of a round's decided read, and what is between it and one that is not decided."""
    decided = await _once(one.hub, one.ids, one.caller)
    return decided, decided - await _once(one.hub, one.ids, EVERYTHING_VISIBLE)


async def _whole(world: World, ids: Sequence[str]) -> float:
    headers = await world.client("clinic-c")
    best = float("inf")
    for _ in range(WHOLE_ROUNDS):
        begin = perf_counter()
        for id_ in ids:
            answer = await world.http.get(f"/fhir/Observation/{id_}", headers=headers)
            answer.raise_for_status()
        best = min(best, (perf_counter() - begin) / len(ids))
    return best


@contextlib.asynccontextmanager
async def region(people: int) -> AsyncIterator[Region]:
    """Make a region of so many people, and run its hub."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        await asyncio.to_thread(upgrade, settings)
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            hub: Hub = app.state.hub
            await add_sites(hub)
            ids = await fill(hub.database, people)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
                world = World(app, hub, http)
                whole = await _whole(world, ids)
                secret = (await world.client("clinic-c"))["Authorization"].removeprefix("Bearer ")
                rows = await hub.callers.by_token(secret, {"headers": []})
                caller = visibility(
                    organisation=rows.organisation,
                    account=-2,
                    purpose=1,
                    categories=EVERY_CATEGORY,
                    everywhere=0,
                    now=hub.clock(),
                    epoch=rows.epoch,
                    implied=False,
                    of_data=rows.of_data,
                )
                yield Region(people, hub, ids, caller, whole)


async def measured(regions: Sequence[Region]) -> list[Cost]:
    """Return what a decision costs in each region: the medians of rounds in which they take turns."""
    found: list[list[tuple[float, float]]] = [[] for _ in regions]
    for number in range(-1, ROUNDS):
        for one, times in zip(regions, found, strict=True):
            decision = await _decision(one)
            # What the first round finds is not in memory yet.
            if number >= 0:
                times.append(decision)
    return [
        Cost(one, *(statistics.median(column) for column in zip(*times, strict=True)))
        for one, times in zip(regions, found, strict=True)
    ]


async def _costs(sizes: Sequence[int]) -> list[Cost]:
    async with contextlib.AsyncExitStack() as stack:
        return await measured([await stack.enter_async_context(region(people)) for people in sizes])


def main() -> int:
    """Measure both regions, print the figures, and return 0 if both bars are kept."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decision", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000, help="of the larger region")
    arguments = parser.parse_args()
    costs = asyncio.run(_costs((1_000, arguments.people)))
    for one in costs:
        share = one.decision / one.region.whole
        print(
            f"{one.region.people:>9,} people: decision {one.decision * 1e6:6.1f} µs of a statement of"
            f" {one.decided * 1e6:6.1f} µs and a read of {one.region.whole * 1e6:7.1f} µs, {share:.1%}"
        )
    small, large = costs
    growth, statement = large.decision / small.decision, large.decided / small.decided
    print(f"growth {growth:.2f}, of the statement {statement:.2f} (at most {GROWTH}; of a read at most {SHARE:.0%})")
    holds = all(one.decision <= one.region.whole * SHARE for one in costs)
    return 0 if holds and growth <= GROWTH else 1


if __name__ == "__main__":
    raise SystemExit(main())
