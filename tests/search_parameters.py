"""A hub's own search parameters made for a test."""

import asyncio
from typing import Any

from app.records.search_parameters.kept import all_kept
from app.records.search_parameters.tables import ACTIVE
from tests.world import World

CANONICAL = "http://example.org/SearchParameter/"


def a_search_parameter(code: str, base: str | list[str], type_: str, expression: str, **fields: Any) -> dict[str, Any]:
    """Return an active SearchParameter."""
    bases = [base] if isinstance(base, str) else base
    return {
        "resourceType": "SearchParameter",
        "url": f"{CANONICAL}{bases[0]}-{code}",
        "name": code.title().replace("-", ""),
        "status": "active",
        "description": code,
        "code": code,
        "base": bases,
        "type": type_,
        "expression": expression,
        **fields,
    }


async def status(world: World, caller: dict[str, str], id_: str) -> dict[str, tuple[str, int]]:
    """Return the state and the percentage by resource type."""
    response = await world.http.get(f"/fhir/SearchParameter/{id_}/$status", headers=caller)
    assert response.status_code == 200, response.text
    parts = [
        {one["name"]: one.get("valueCode", one.get("valueInteger")) for one in named["part"]}
        for named in response.json()["parameter"]
        if named["name"] == "base"
    ]
    return {part["type"]: (part["state"], part["percent"]) for part in parts}


async def indexed(world: World, caller: dict[str, str], id_: str) -> None:
    """Wait until a SearchParameter can be asked for."""
    for _ in range(500):
        found = await status(world, caller, id_)
        if all(state == "active" for state, _ in found.values()):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(found)


async def own_parameter(world: World, *arguments: Any, **fields: Any) -> str:
    """Give the hub a search parameter, wait until it can be asked for, and return the id of its definition."""
    office = await world.client("secretariat", role="secretariat")
    made = await world.post(office, a_search_parameter(*arguments, **fields))
    await indexed(world, office, made["id"])
    return str(made["id"])


async def all_indexed(world: World) -> None:
    """Wait until nothing is left to be indexed or removed."""
    for _ in range(500):
        if all(one.state == ACTIVE for one in await all_kept(world.hub.database.reader)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("Search parameters wait")
