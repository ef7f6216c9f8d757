"""Searches that name no patient: their pages are cut while an index is walked, and hold what they would otherwise."""

import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from fhir.search import cut, run, statement
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

LOINC = "http://loinc.org"
WALKED = (
    # Every third is of another way to walk.
    "Observation?code=http://loinc.org|4548-4",
    "Observation?code=4548-4&status=final",
    "Observation?status=final&_sort=_lastUpdated",
    "Observation?",
    "Observation?value-quantity=gt1",
    "Observation?_sort=-_lastUpdated",
    "Observation?_sort=-date",
    "Observation?_sort=date",
    "?_type=Observation,Patient&_lastUpdated=ge2020",
)


def _forget() -> None:
    """Statements are kept by their shape, in which how much is looked at is not."""
    for build in (statement.page, statement.attempt, statement.keys):
        build.__closure__[1].cell_contents.clear()  # type: ignore[attr-defined]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let two matches be counted at most, and two dates be tried."""
    for module, name in ((cut, "MOST_COUNTED"), (run, "MOST_COUNTED"), (cut, "MOST_TRIED")):
        monkeypatch.setattr(module, name, 2)
    _forget()
    yield
    _forget()


async def _page(world: World, caller: dict[str, str], address: str) -> tuple[list[str], dict[str, str], int | None]:
    """Return the ids of a page, its links, and the total."""
    response = await world.http.get(address, headers=caller)
    assert response.status_code == 200, response.text
    page = response.json()
    links = {one["relation"]: urlsplit(one["url"])._replace(scheme="", netloc="").geturl() for one in page["link"]}
    return [one["resource"]["id"] for one in page.get("entry", ())], links, page.get("total")


async def _walk(world: World, caller: dict[str, str], address: str) -> tuple[list[list[str]], list[list[str]]]:
    """Return the pages forwards, and those back from the last one."""
    pages, back = [], []
    found, links, _ = await _page(world, caller, address)
    pages.append(found)
    while "next" in links:
        found, links, _ = await _page(world, caller, links["next"])
        pages.append(found)
    back.append(found)
    while "previous" in links:
        found, links, _ = await _page(world, caller, links["previous"])
        back.append(found)
    return pages, back[::-1]


async def _region(world: World, own: dict[str, str]) -> None:
    """Add three patients with Observations, some of them hidden from the clinic, one without a date."""
    for number in range(3):
        patient = (await world.post(own, a_patient()))["id"]
        if number != 1:
            await world.post(own, a_consent(patient, "clinic-c"))
        for day in (3, 1, 2):
            await world.post(own, an_observation(patient, effectiveDateTime=f"2024-0{number + 1}-0{day}"))
        undated = an_observation(patient)
        undated.pop("effectiveDateTime", None)
        await world.post(own, undated)


@pytest.mark.parametrize("total", ["", "&_total=none", "&_total=accurate"])
async def test_pages_hold_what_a_page_of_all_holds(world: World, little: None, total: str) -> None:
    await _region(world, await world.client("hospital-a"))
    clinic = await world.client("clinic-c")

    for query in WALKED:
        address = f"/fhir/{query}{total}"
        whole, _, _ = await _page(world, clinic, f"{address}&_count=100")
        pages, back = await _walk(world, clinic, f"{address}&_count=3")
        assert [one for page in pages for one in page] == whole, query
        assert len(set(whole)) == len(whole) >= 8
        assert back == pages


async def test_it_does_not_matter_how_many_are_looked_at(world: World, request: pytest.FixtureRequest) -> None:
    await _region(world, await world.client("hospital-a"))
    clinic = await world.client("clinic-c")
    many = [await _walk(world, clinic, f"/fhir/{query}&_count=2") for query in WALKED[::3]]
    request.getfixturevalue("little")

    assert [await _walk(world, clinic, f"/fhir/{query}&_count=2") for query in WALKED[::3]] == many


async def test_a_code_of_two_systems_is_one_match(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    coding = [{"system": system, "code": "4548-4"} for system in (LOINC, "http://example.org/own")]
    part = [{**one, "code": "8480-6"} for one in coding]
    parts = [{"code": {"coding": part}, "valueQuantity": {"value": value}} for value in (7, 8)]
    made = (await world.post(own, an_observation(patient, code={"coding": coding}, component=parts)))["id"]

    for query in ("code=4548-4", "component-code-value-quantity=8480-6$gt6", "component-code=8480-6"):
        for total in ("", "&_total=none"):
            found, _, counted = await _page(world, own, f"/fhir/Observation?{query}{total}")
            assert (found, counted) == ([made], None if total else 1)


PERIODS: tuple[dict[str, Any], ...] = (
    {"start": "2024-03-05T09:00:00+09:00", "end": "2024-03-05T09:20:00+09:00"},
    {"start": "2024-03-04T22:00:00+09:00", "end": "2024-03-05T06:00:00+09:00"},
    {"start": "2024-03-01", "end": "2024-03-09"},
    {"start": "2024-01-01", "end": "2024-12-31"},
    {"start": "2023-05-01"},
    {"end": "2024-03-05"},
    {"start": "2024-03"},
    {"start": "2024-03-05", "end": "2024-03-05"},
    {"start": "2024"},
    {"start": "2024-03-06"},
)
DAYS = ("2024-03-04", "2024-03-05", "2024-03-05T09:10:00+09:00", "2024-03", "2024-03-06", "2024-03-20", "2023-05-01")


def _ranges(chance: random.Random) -> list[str]:
    first, last = sorted(chance.choices(DAYS, k=2))
    one = chance.choice(DAYS)
    day, end = (text.replace("+", "%2B") for text in (first, last))
    return [
        f"date={one.replace('+', '%2B')}",
        f"date={chance.choice(('ge', 'gt', 'sa'))}{day}&date={chance.choice(('le', 'lt', 'eb'))}{end}",
        f"date={chance.choice(('ge', 'gt', 'sa'))}2026-11",
        f"location-period={one.replace('+', '%2B')}",
        f"location-period=ge{day}&location-period=le{end}",
    ]


async def test_a_range_of_dates_finds_what_a_look_at_each_resource_finds(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    chance = random.Random(1)
    visit = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
    visit["subject"] = {"reference": f"Patient/{patient}"}
    for period in (*PERIODS, None):
        places = [{"location": {"display": "a"}, "period": one} for one in chance.sample(PERIODS, chance.randrange(3))]
        more = {"period": period} if period else {}
        await world.post(own, {**visit, **more, **({"location": places} if places else {})})
    found = 0

    for query in [one for _ in range(20) for one in _ranges(chance)]:
        # Where a code drives, the date is asked of each resource.
        walked, _, _ = await _page(world, own, f"/fhir/Encounter?{query}")
        looked_at, _, _ = await _page(world, own, f"/fhir/Encounter?status=finished&{query}")
        assert sorted(walked) == sorted(looked_at), query
        found += len(walked)

    assert found > 100


async def test_an_updated_period_is_where_it_was_on_a_later_page(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    visit = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
    visit |= {"subject": {"reference": f"Patient/{patient}"}, "period": {"start": "2024-03-01", "end": "2024-03-09"}}
    made = [(await world.post(own, visit))["id"] for _ in range(3)]
    first, links, _ = await _page(world, own, "/fhir/Encounter?date=2024-03&_count=2")
    (later,) = {*made} - {*first}
    moved = {**visit, "id": later, "period": {"start": "2021-01-01", "end": "2021-01-09"}}
    assert (await world.http.put(f"/fhir/Encounter/{later}", headers=own, json=moved)).status_code == 200

    second, _, total = await _page(world, own, links["next"])

    assert (second, total) == ([later], 3)
    assert (await _page(world, own, "/fhir/Encounter?date=2024-03"))[2] == 2


async def test_a_link_of_another_release_is_refused(world: World) -> None:
    own = await world.client("hospital-a")
    for _ in range(2):
        await world.post(own, a_patient())
    seal = world.hub.cursors.seal

    def as_before(position: list[Any], binding: str) -> str:
        return seal((position[0].split()[0], *position[1:]), binding)

    world.hub.cursors.seal = as_before  # type: ignore[method-assign,assignment]
    _, links, _ = await _page(world, own, "/fhir/Patient?_count=1")

    for relation in ("next", "last"):
        refused = await world.http.get(links[relation], headers=own)
        assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (400, ["_cursor"])
