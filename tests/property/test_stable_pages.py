"""The pages of a search are those of the instant of its first page, whatever is written meanwhile."""

import itertools
import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

STATUSES = ("final", "amended", "corrected", "preliminary")
SORTS = (
    "",
    "&_sort=_id",
    "&_sort=-_lastUpdated",
    "&_sort=_lastUpdated,status",
    "&_sort=status",
    "&_sort=-performer,-status",
)


def _stepping(world: World) -> None:
    """Let the clock go on by ten milliseconds whenever it is looked at, so that no two writes share an instant."""
    ticks = itertools.count(world.hub.clock(), 10_000)
    world.hub.clock = lambda: next(ticks)


def _changed(chance: random.Random, resource: dict[str, Any]) -> dict[str, Any]:
    performers = [{"reference": f"Practitioner/{chance.randrange(5)}"} for _ in range(chance.randrange(3))]
    kept = {name: value for name, value in resource.items() if name != "performer"}
    return {**kept, "status": chance.choice(STATUSES), **({"performer": performers} if performers else {})}


async def _disturb(world: World, caller: dict[str, str], chance: random.Random, patient: str, there: list[str]) -> str:
    """Write something, and return the id of what was deleted."""
    what = chance.choice(("create", "update", "update", "update", "delete"))
    if what == "create":
        await world.post(caller, _changed(chance, an_observation(patient)))
        return ""
    id_ = chance.choice(there)
    address = f"/fhir/Observation/{id_}"
    if what == "delete":
        await world.http.delete(address, headers=caller)
        return id_
    body = _changed(chance, an_observation(patient, id=id_))
    assert (await world.http.put(address, headers=caller, json=body)).status_code == 200
    return ""


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("seed", range(4))
async def test_no_entry_comes_twice_or_vanishes_while_others_write(world: World, sort: str, seed: int) -> None:
    _stepping(world)
    chance = random.Random(f"{seed}{sort}")
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(own, a_patient()))["id"]
    await world.post(own, a_consent(patient, "clinic-c"))
    made = [(await world.post(own, _changed(chance, an_observation(patient))))["id"] for _ in range(9)]
    query = f"/fhir/Observation?patient={patient}{sort}"
    whole = (await world.http.get(f"{query}&_count=100", headers=clinic)).json()
    expected = [one["resource"]["id"] for one in whole["entry"]]

    found: list[str] = []
    gone: set[str] = set()
    address = f"{query}&_count=2"
    for _ in range(20):
        page = (await world.http.get(address, headers=clinic)).json()
        shown = [one["resource"]["id"] for one in page.get("entry", ())]
        assert not gone & set(shown)
        found += shown
        following = [one["url"] for one in page["link"] if one["relation"] == "next"]
        if not following:
            break
        address = urlsplit(following[0])._replace(scheme="", netloc="").geturl()
        for _ in range(chance.randrange(4)):
            there = [one for one in made if one not in gone]
            gone.add(await _disturb(world, own, chance, patient, there))
            gone.discard("")

    left = [one for one in expected if one not in gone]
    assert [one for one in found if one not in gone] == left
    assert len(set(found)) == len(found)


async def test_what_is_hidden_meanwhile_is_on_no_later_page(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(own, a_patient()))["id"]
    consent = await world.post(own, a_consent(patient, "clinic-c"))
    for _ in range(3):
        await world.post(own, an_observation(patient))
    first = (await world.http.get("/fhir/Observation?_count=2", headers=clinic)).json()
    (address,) = [one["url"] for one in first["link"] if one["relation"] == "next"]
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=own, json={**consent, "status": "inactive"})

    second = (await world.http.get(address, headers=clinic)).json()

    assert (first["total"], len(first["entry"])) == (3, 2)
    assert (second["total"], second.get("entry")) == (0, None)


async def test_a_later_page_leads_to_the_first(world: World) -> None:
    own = await world.client("hospital-a")
    for _ in range(2):
        await world.post(own, a_patient())
    first = (await world.http.get("/fhir/Patient?_count=1", headers=own)).json()
    links = {one["relation"]: one["url"] for one in first["link"]}

    second = (await world.http.get(links["next"], headers=own)).json()

    assert {one["relation"]: one["url"] for one in second["link"]} == {"self": links["self"], "first": links["self"]}
