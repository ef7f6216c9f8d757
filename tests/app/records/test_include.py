"""`_include` and `_revinclude`: https://hl7.org/fhir/R4/search.html#revinclude."""

from typing import Any

import pytest

from fhir.search import include
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def _entries(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    response = await world.http.get(f"/fhir/{query}", headers=caller)
    assert response.status_code == 200, response.text
    return list(response.json().get("entry", ()))


async def _found(world: World, caller: dict[str, str], query: str) -> list[tuple[str, str]]:
    """Return the id and the mode of each entry, in their order."""
    return [(one["resource"]["id"], one["search"]["mode"]) for one in await _entries(world, caller, query)]


def _panel(patient: str, *members: str, **fields: Any) -> dict[str, Any]:
    return an_observation(patient, hasMember=[{"reference": f"Observation/{one}"} for one in members], **fields)


async def _three_levels(world: World, caller: dict[str, str]) -> tuple[str, str, str, str]:
    """Return a patient, and an observation that is in one that is in one."""
    patient = (await world.post(caller, a_patient()))["id"]
    low = (await world.post(caller, an_observation(patient)))["id"]
    middle = (await world.post(caller, _panel(patient, low)))["id"]
    high = (await world.post(caller, _panel(patient, middle)))["id"]
    return patient, low, middle, high


@pytest.mark.parametrize(
    ("name", "expected"),
    [("_include", ["middle"]), ("_include:iterate", ["middle", "low"])],
)
async def test_what_is_included_is_looked_at_for_more_only_when_iterating(
    world: World, name: str, expected: list[str]
) -> None:
    own = await world.client("hospital-a")
    _, low, middle, high = await _three_levels(world, own)

    found = await _found(world, own, f"Observation?_id={high}&{name}=Observation:has-member")

    ids = {"low": low, "middle": middle}
    assert found == [(high, "match"), *((ids[one], "include") for one in expected)]


async def test_what_refers_to_what_refers_to_a_match_comes_by_iterating(world: World) -> None:
    own = await world.client("hospital-a")
    _, low, middle, high = await _three_levels(world, own)

    found = await _found(world, own, f"Observation?_id={low}&_revinclude:iterate=Observation:has-member")

    assert found == [(low, "match"), (middle, "include"), (high, "include")]


async def test_a_circle_ends_and_each_resource_is_there_once(world: World) -> None:
    own = await world.client("hospital-a")
    patient, low, middle, high = await _three_levels(world, own)
    again = _panel(patient, high, id=low)
    assert (await world.http.put(f"/fhir/Observation/{low}", headers=own, json=again)).status_code == 200

    found = await _found(world, own, f"Observation?_id={low}&_include:iterate=*&_revinclude:iterate=*")

    assert sorted(found) == sorted([(low, "match"), *((one, "include") for one in (patient, middle, high))])


async def test_several_includes_and_their_targets(world: World) -> None:
    own = await world.client("hospital-a")
    patient, low, middle, high = await _three_levels(world, own)
    one = f"Observation?_id={middle}"

    everything = await _found(world, own, f"{one}&_include=Observation:patient&_revinclude=Observation:has-member")
    of_type = await _found(world, own, f"{one}&_include=*&_include=Observation:subject:Group")
    narrowed = await _found(world, own, f"{one}&_include=Observation:*:Patient")
    nothing = await _found(world, own, f"{one}&_include=Observation:subject:Group")

    assert everything == [(middle, "match"), (patient, "include"), (high, "include")]
    assert sorted(of_type[1:]) == sorted([(patient, "include"), (low, "include")])
    assert narrowed == [(middle, "match"), (patient, "include")]
    assert nothing == [(middle, "match")]


async def test_only_matches_on_the_page_bring_others_and_the_total_counts_matches(world: World) -> None:
    own = await world.client("hospital-a")
    patients = [(await world.post(own, a_patient()))["id"] for _ in range(3)]
    for patient in patients:
        await world.post(own, an_observation(patient))

    page = (await world.http.get("/fhir/Observation?_count=1&_include=Observation:patient", headers=own)).json()

    assert page["total"] == 3
    assert [one["search"]["mode"] for one in page["entry"]] == ["match", "include"]
    assert page["entry"][1]["resource"]["id"] == patients[0]
    assert page["entry"][1]["fullUrl"].endswith(f"/fhir/Patient/{patients[0]}")


async def test_a_reference_to_a_version_brings_that_version(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    member = await world.post(own, an_observation(patient, status="preliminary"))
    panel = (await world.post(own, _panel(patient, f"{member['id']}/_history/1")))["id"]
    later = member | {"status": "final"}
    await world.http.put(f"/fhir/Observation/{member['id']}", headers=own, json=later)

    entries = await _entries(world, own, f"Observation?_id={panel}&_include=Observation:has-member")

    assert [one["resource"]["status"] for one in entries] == ["final", "preliminary"]
    assert entries[1]["resource"]["meta"]["versionId"] == "1"


async def test_what_is_hidden_is_not_included_and_leads_to_nothing(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, low, middle, high = await _three_levels(world, own)
    secret = an_observation(patient, id=middle, hasMember=[{"reference": f"Observation/{low}"}])
    secret["meta"] = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]}
    await world.post(own, a_consent(patient, "clinic-c"))
    query = f"Observation?_id={high}&_include:iterate=Observation:has-member"
    before = await _found(world, clinic, query)
    await world.http.put(f"/fhir/Observation/{middle}", headers=own, json=secret)

    after = await _found(world, clinic, query)

    assert before == [(high, "match"), (middle, "include"), (low, "include")]
    assert after == [(high, "match")]


async def test_a_page_that_does_not_include_all_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    for _ in range(3):
        await world.post(own, an_observation(patient))
    query = f"Patient?_id={patient}&_revinclude=Observation:patient"
    monkeypatch.setattr(include, "MOST_INCLUDED", 3)
    whole = await _entries(world, own, query)
    monkeypatch.setattr(include, "MOST_INCLUDED", 2)

    cut = await _entries(world, own, query)

    assert [one["search"]["mode"] for one in whole] == ["match", "include", "include", "include"]
    assert [one["search"]["mode"] for one in cut] == ["match", "include", "include", "outcome"]
    assert cut[-1]["resource"]["issue"][0]["code"] == "too-costly"


async def test_steps_are_bounded_and_said_to_be(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own = await world.client("hospital-a")
    _, _, middle, high = await _three_levels(world, own)
    monkeypatch.setattr(include, "MOST_STEPS", 0)

    entries = await _entries(world, own, f"Observation?_id={high}&_include:iterate=Observation:has-member")

    assert [one["resource"].get("id") for one in entries] == [high, middle, None]


@pytest.mark.parametrize(
    "query",
    [
        "_include=Observation",
        "_include=Nothing:subject",
        "_include=Observation:nothing",
        "_include=Observation:code",
        "_include=Observation:subject:Practitioner",
        "_revinclude=Observation:*:Nothing",
        "&".join(["_include=Observation:subject"] * 51),
    ],
)
async def test_an_include_that_names_no_reference_is_refused(world: World, query: str) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/Observation?{query}", headers=own)

    assert response.status_code == 400
    assert response.json()["issue"][0]["expression"] == [query.partition("=")[0]]
