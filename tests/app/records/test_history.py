"""history: of a resource, a type and the whole hub, the newest first, as far as it is visible."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def history(world: World, caller: dict[str, str], address: str) -> dict[str, Any]:
    response = await world.http.get(f"/fhir/{address}", headers=caller)
    assert response.status_code == 200, response.text
    return dict(response.json())


def versions(bundle: dict[str, Any]) -> list[str]:
    """Return the versions in a Bundle, as `id/version`."""
    return [f"{one['fullUrl'].rpartition('/')[2]}/{one['response']['etag'][3:-1]}" for one in bundle.get("entry", ())]


async def changed(world: World, caller: dict[str, str], id_: str, *, times: int) -> None:
    for number in range(times):
        body = a_patient(id=id_, multipleBirthInteger=number)
        assert (await world.http.put(f"/fhir/Patient/{id_}", headers=caller, json=body)).status_code in (200, 201)


async def pages(world: World, caller: dict[str, str], address: str) -> list[list[str]]:
    """Return the versions of every page."""
    found = []
    while address:
        bundle = await history(world, caller, address)
        found.append(versions(bundle))
        links = {link["relation"]: link["url"] for link in bundle["link"]}
        address = links.get("next", "").partition("/fhir/")[2]
    return found


async def test_a_resource_that_was_deleted_and_brought_back_tells_so(world: World) -> None:
    hospital = await world.client("hospital-a")
    await changed(world, hospital, "hospital-a-1", times=2)
    await world.http.delete("/fhir/Patient/hospital-a-1", headers=hospital)
    await changed(world, hospital, "hospital-a-1", times=2)

    bundle = await history(world, hospital, "Patient/hospital-a-1/_history")

    assert bundle["total"] == 5
    assert versions(bundle) == [f"hospital-a-1/{number}" for number in (5, 4, 3, 2, 1)]
    told = [(one["request"]["method"], one["response"]["status"], "resource" in one) for one in bundle["entry"]]
    assert told == [
        ("PUT", "200", True),
        ("PUT", "201", True),
        ("DELETE", "204", False),
        ("PUT", "200", True),
        ("PUT", "201", True),
    ]


@pytest.mark.parametrize("place", ["Patient/", ""], ids=["of a type", "of the hub"])
async def test_versions_of_many_resources_come_by_their_time(world: World, place: str) -> None:
    hospital = await world.client("hospital-a")
    await changed(world, hospital, "hospital-a-1", times=1)
    await changed(world, hospital, "hospital-a-2", times=1)
    await changed(world, hospital, "hospital-a-1", times=1)
    await world.http.delete("/fhir/Patient/hospital-a-2", headers=hospital)
    wanted = ["hospital-a-2/2", "hospital-a-1/2", "hospital-a-2/1", "hospital-a-1/1"]

    whole = await history(world, hospital, f"{place}_history")
    parted = await pages(world, hospital, f"{place}_history?_count=3")

    assert versions(whole) == wanted
    assert whole["total"] == 4
    assert parted == [wanted[:3], wanted[3:]]


async def test_a_history_of_a_type_holds_no_other_type(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = (await world.post(hospital, an_observation(patient)))["id"]

    assert versions(await history(world, hospital, "Observation/_history")) == [f"{observation}/1"]
    assert "entry" not in await history(world, hospital, "Condition/_history")
    assert versions(await history(world, hospital, "_history")) == [f"{observation}/1", f"{patient}/1"]


async def test_pages_stay_as_they_were_while_more_is_written(world: World) -> None:
    hospital = await world.client("hospital-a")
    await changed(world, hospital, "hospital-a-1", times=4)
    first = await history(world, hospital, "Patient/_history?_count=2")
    await changed(world, hospital, "hospital-a-1", times=2)

    following = first["link"][1]["url"].partition("/fhir/")[2]
    second = await history(world, hospital, following)

    assert versions(first) + versions(second) == [f"hospital-a-1/{number}" for number in (4, 3, 2, 1)]


@pytest.mark.parametrize("place", ["Patient/hospital-a-1/", "Patient/", ""], ids=["instance", "type", "system"])
async def test_since_and_at_choose_versions_by_their_time(world: World, place: str) -> None:
    hospital = await world.client("hospital-a")
    await changed(world, hospital, "hospital-a-1", times=3)
    whole = await history(world, hospital, "Patient/hospital-a-1/_history")
    third, second, first = (one["response"]["lastModified"] for one in whole["entry"])

    async def at(query: str) -> list[str]:
        bundle = await history(world, hospital, f"{place}_history?{query}")
        assert bundle["total"] == len(bundle.get("entry", ()))
        return [one.rpartition("/")[2] for one in versions(bundle)]

    assert await at(f"_since={second}") == ["3", "2"]
    assert await at("_since=2100") == []
    assert await at(f"_at={second}") in (["2"], ["3", "2"])  # an instant is a millisecond long
    assert await at(f"_at=ge{third}") in (["3"], ["3", "2"])
    assert await at(f"_at=lt{second}") == ["1"]
    assert await at(f"_at=le{first}") in (["1"], ["2", "1"])
    assert await at("_at=2100-01-01") == ["3"]
    assert await at("_at=1999") == []


async def test_hidden_versions_are_neither_shown_nor_counted(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await changed(world, hospital, "hospital-a-1", times=2)
    await changed(world, hospital, "hospital-a-2", times=2)
    await world.post(hospital, a_consent("hospital-a-2", "clinic-c"))

    hidden = await world.http.get("/fhir/Patient/hospital-a-1/_history?_since=2020", headers=clinic)
    shown = await history(world, clinic, "Patient/_history")
    everything = await history(world, clinic, "_history?_count=1")

    assert hidden.status_code == 404
    assert versions(shown) == ["hospital-a-2/2", "hospital-a-2/1"]
    assert shown["total"] == 2
    assert everything["total"] == 3  # the Consent too
    assert await pages(world, clinic, "Patient/_history?_count=1") == [["hospital-a-2/2"], ["hospital-a-2/1"]]


async def test_a_page_link_is_good_for_its_caller_and_query_only(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await changed(world, hospital, "hospital-a-1", times=3)
    first = await history(world, hospital, "Patient/_history?_count=1")
    query = first["link"][1]["url"].partition("?")[2]

    answers = [
        await world.http.get(f"/fhir/Patient/_history?{query}", headers=clinic),
        await world.http.get(f"/fhir/_history?{query}", headers=hospital),
        await world.http.get(f"/fhir/Patient/_history?{query}&_since=2020", headers=hospital),
    ]

    assert [one.status_code for one in answers] == [400, 400, 400]


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("_count=x", "_count"),
        ("_since=soon", "_since"),
        ("_at=ne2020", "_at"),
        ("_at=x", "_at"),
        ("_before=1", "_before"),
        ("_since=2020&_since=2021", "_since"),
        ("_cursor=x", "_cursor"),
    ],
)
async def test_what_is_no_parameter_of_history_is_refused(world: World, query: str, expression: str) -> None:
    hospital = await world.client("hospital-a")
    await changed(world, hospital, "hospital-a-1", times=1)

    for place in ("Patient/hospital-a-1/", "Patient/", ""):
        refused = await world.http.get(f"/fhir/{place}_history?{query}", headers=hospital)

        assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (400, [expression])


async def test_versions_follow_each_other_in_time_whenever_their_requests_began(world: World) -> None:
    hospital = await world.client("hospital-a")
    await changed(world, hospital, "hospital-a-1", times=1)
    now = world.hub.clock

    # As if these requests had begun before the one that made the first version.
    world.hub.clock = lambda: now() - 5_000_000
    await changed(world, hospital, "hospital-a-1", times=2)
    assert (await world.http.delete("/fhir/Patient/hospital-a-1", headers=hospital)).status_code == 204
    world.hub.clock = now

    for address in ("Patient/hospital-a-1/_history", "Patient/_history"):
        assert versions(await history(world, hospital, address))[:4] == [f"hospital-a-1/{n}" for n in (4, 3, 2, 1)]
    bundle = await history(world, hospital, "Patient/hospital-a-1/_history")
    times = [one["response"]["lastModified"] for one in bundle["entry"]]
    assert times == sorted(times, reverse=True)
