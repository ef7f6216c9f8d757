"""The law of gate 2 for the summary's page and its paper: neither depends on what its reader may not see.

What `$summary` answers is asked by test_non_interference.
"""

import random
from dataclasses import asdict
from typing import Any

import pytest
from starlette.requests import Request as WebRequest

from app.access.caller import Caller
from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseConnection
from app.portal.gate import Visit
from app.portal.summary import sheet_of, shown
from app.records.request import FhirRequest
from fhir.errors import FhirError
from tests.property import oracle
from tests.property.test_non_interference import Undo, build, caller, prepare_once, region, removed
from tests.property.worlds import WorldMaker, a_world, an_asker
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]


async def told(world: World, by: Caller, patient: str, language: str, on: DatabaseConnection | None = None) -> Any:
    """Return what page and paper say of a patient, or that there is nobody."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/patients/{patient}/summary",
        "headers": [],
        "client": None,
        "query_string": f"lang={language}".encode(),
        "path_params": {"id": patient},
        "app": world.app,
    }
    found = []
    for make in (shown, sheet_of):
        request = FhirRequest(world.hub, scope, WebRequest(scope).receive, by)
        request.interaction = "operation"
        if on is not None:
            request.visibility = EVERYTHING_VISIBLE
            request.record.connection = on
        try:
            made: Any = await make(Visit(WebRequest(scope), request, "", {}))
        except FhirError as error:
            found.append(type(error).__name__)
        else:
            found.append({**made.values, "sites": None} if make is shown else asdict(made))
    return found


async def hold_the_law(world: World, keys: dict[str, int], seed: int) -> int:
    """Compare what readers of a made-up world are shown with what they are shown without the hidden; count who is."""
    chance = random.Random(seed)
    made: WorldMaker = a_world(chance, 60)
    await build(world, keys, made)
    known = await region(world, made)
    asker = an_asker(chance, made)
    by = await caller(world, keys, asker)
    asked = [(row.id, chance.choice(("ja", "en"))) for row in made.of("Patient")[:4]]
    hidden = [row for row in made.rows if not oracle.visible(row, asker, known)]
    answers = [await told(world, by, *one) for one in asked]
    with pytest.raises(Undo):
        async with world.hub.database.write() as connection:
            await removed(world, connection, hidden)
            for one, answer in zip(asked, answers, strict=True):
                assert await told(world, by, *one, on=connection) == answer, (asker, one)
            raise Undo
    return sum(isinstance(page, dict) for page, _ in answers)


async def test_page_and_paper_of_a_summary_do_not_depend_on_what_is_hidden(world: World) -> None:
    shown_to_somebody = 0
    for seed, consent in enumerate(("explicit", "implied", "explicit", "implied")):
        keys = await prepare_once(world, consent)
        shown_to_somebody += await hold_the_law(world, keys, seed)

    assert shown_to_somebody > 2
