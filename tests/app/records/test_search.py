"""search-type and search-system: https://hl7.org/fhir/R4/search.html."""

from typing import Any

import pytest

from fhir.search import cut, run, statement
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def _page(world: World, caller: dict[str, str], query: str) -> dict[str, Any]:
    response = await world.http.get(f"/fhir{query}", headers=caller)
    assert response.status_code == 200, response.text
    return dict(response.json())


def _ids(page: dict[str, Any]) -> list[str]:
    return [one["resource"]["id"] for one in page.get("entry", ())]


@pytest.mark.parametrize("name", ["_id", "_lastUpdated"])
@pytest.mark.parametrize(("missing", "total"), [("true", 0), ("false", 1)])
async def test_every_resource_has_an_id_and_an_instant(world: World, name: str, missing: str, total: int) -> None:
    own = await world.client("hospital-a")
    await world.post(own, a_patient())

    assert await world.total(own, f"Patient?{name}:missing={missing}") == total


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> int:
    """Let no more than two matches be counted."""
    monkeypatch.setattr(cut, "MOST_COUNTED", 2)
    monkeypatch.setattr(run, "MOST_COUNTED", 2)
    # Statements are kept by their shape, in which this constant is not.
    for build in (statement.page, statement.attempt, statement.keys):
        build.__closure__[1].cell_contents.clear()  # type: ignore[attr-defined]
    return 2


@pytest.mark.parametrize(
    ("query", "of_two", "of_three"),
    [
        ("", 2, None),
        ("&_total=estimate", 2, None),
        ("&_total=accurate", 2, 3),
        ("&_total=none", None, None),
        ("&_count=0", 2, 3),
        ("&_summary=count", 2, 3),
        ("&_total=none&_summary=count", 2, 3),
    ],
)
async def test_a_total_is_exact_or_not_there(
    world: World, counted: int, query: str, of_two: int | None, of_three: int | None
) -> None:
    own = await world.client("hospital-a")
    for gender in ("male", "female", "female", "other", "other", "other"):
        await world.post(own, a_patient(gender=gender))

    two, three = [await _page(world, own, f"/Patient?gender={one}{query}") for one in ("female", "other")]

    assert (two.get("total"), three.get("total")) == (of_two, of_three)
    assert len(_ids(two)) == (0 if "count" in query else counted)


async def test_a_page_holds_no_more_than_the_hub_allows(world: World) -> None:
    own = await world.client("hospital-a")
    world.hub.settings = world.hub.settings.model_copy(update={"page_entries_limit": 2})
    for _ in range(3):
        await world.post(own, a_patient())

    assert len(_ids(await _page(world, own, "/Patient?_count=1000"))) == 2


async def test_the_total_of_a_page_whose_rest_is_gone_is_that_of_what_is_left(world: World) -> None:
    own = await world.client("hospital-a")
    made = [(await world.post(own, a_patient()))["id"] for _ in range(2)]
    first = await _page(world, own, "/Patient?_count=1")
    (address,) = [one["url"] for one in first["link"] if one["relation"] == "next"]
    await world.http.delete(f"/fhir/Patient/{made[1]}", headers=own)

    second = (await world.http.get(address, headers=own)).json()

    assert (_ids(second), second["total"]) == ([], 1)


async def _three(world: World, caller: dict[str, str]) -> list[str]:
    """Return the ids of an Observation, a Patient and an Encounter, the oldest first."""
    patient = (await world.post(caller, a_patient()))["id"]
    seen = (await world.post(caller, an_observation(patient)))["id"]
    visit = {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}}
    visit["subject"] = {"reference": f"Patient/{patient}"}
    return [patient, seen, (await world.post(caller, visit))["id"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_type=Patient,Observation", [0, 1]),
        ("_type=Observation,Encounter&status=final,finished", [1, 2]),
        ("_type=Encounter,Observation&_sort=-_lastUpdated", [2, 1]),
        ("_type=Encounter,Patient,Observation&_sort=-_id&_count=2", [2, 1]),
        ("_lastUpdated=ge2020", [0, 1, 2]),
        ("_type=Encounter&_include=Encounter:patient", [2, 0]),
    ],
)
async def test_several_types_are_searched_at_once(world: World, query: str, expected: list[int]) -> None:
    own = await world.client("hospital-a")
    made = await _three(world, own)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}

    found = _ids(await _page(world, own, f"?{query}"))
    posted = await world.http.post("/fhir/_search", headers=own | kind, content=query)

    assert found == [made[number] for number in expected]
    assert _ids(posted.json()) == found


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("_type=Patient,Nothing", 400),
        ("_type=", 400),
        ("_type=Patient&_type=Observation", 400),
        ("_type=Patient,Observation&gender=male", 400),
        ("_type=Patient,Observation&_sort=gender", 400),
        ("_type=Patient,Observation&_elements=nothing", 400),
        ("_type=Patient,Observation&_elements=gender,code", 200),
        ("_type=Condition,RiskAssessment&_sort=subject", 200),
    ],
)
async def test_only_what_all_types_have_in_common_is_searched(world: World, query: str, status: int) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir?{query}", headers=own)

    assert response.status_code == status, response.text


async def test_a_parameter_that_one_type_lacks_is_not_ignored_for_it_alone(world: World) -> None:
    own = await world.client("hospital-a")
    lenient = own | {"Prefer": "handling=lenient"}

    mixed = await world.http.get("/fhir?_type=Patient,Observation&gender=male", headers=lenient)
    unknown = await world.http.get("/fhir?_type=Patient,Observation&nonsense=1", headers=lenient)

    assert (mixed.status_code, unknown.status_code) == (400, 200)


async def _a_list(world: World, caller: dict[str, str], *links: str, **entry: Any) -> str:
    made = {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "entry": [{"item": {"reference": link}, **entry} for link in links],
    }
    return str((await world.post(caller, made))["id"])


async def test_what_a_list_names_is_found(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    made = [(await world.post(own, a_patient()))["id"] for _ in range(3)]
    listed = await _a_list(world, own, f"Patient/{made[2]}", f"http://127.0.0.1:8080/fhir/Patient/{made[0]}")

    assert _ids(await _page(world, own, f"/Patient?_list={listed}")) == [made[0], made[2]]
    assert _ids(await _page(world, own, f"/Patient?_list={listed}&_id={made[0]}")) == [made[0]]
    assert _ids(await _page(world, own, f"/Observation?_list={listed}")) == []
    assert _ids(await _page(world, own, f"?_list={listed}")) == [made[0], made[2]]
    assert _ids(await _page(world, clinic, f"/Patient?_list={listed}")) == []


async def test_a_hidden_a_deleted_and_an_unknown_list_are_empty_alike(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    doctor = (await world.post(own, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]}))["id"]
    hidden = await _a_list(world, own, f"Practitioner/{doctor}")
    gone = await _a_list(world, clinic, f"Practitioner/{doctor}")
    before = [_ids(await _page(world, by, f"/Practitioner?_list={one}")) for by, one in ((own, hidden), (clinic, gone))]
    await world.http.delete(f"/fhir/List/{gone}", headers=clinic)

    pages = [await _page(world, clinic, f"/Practitioner?_list={one}") for one in (hidden, gone, "nothing")]

    assert before == [[doctor], [doctor]]
    assert [(one["total"], _ids(one)) for one in pages] == [(0, [])] * 3


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("Patient?_list=$current-problems", 400),
        ("Patient?_list=a/b", 400),
        ("Patient?_list=", 400),
        ("Patient?_list=a&_list=b", 400),
        ("Patient?_contained=false", 200),
        ("Patient?_contained=true", 400),
        ("Patient?_contained=both", 400),
        ("Patient?_containedType=container", 400),
    ],
)
async def test_lists_of_a_servers_own_and_contained_resources_are_refused(
    world: World, query: str, status: int
) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/{query}", headers=own)

    assert response.status_code == status
    if status == 400:
        assert response.json()["issue"][0]["expression"][0].startswith(("_list", "_contained"))


async def test_what_refers_to_a_patient_elsewhere_is_found_by_that_address(world: World) -> None:
    own = await world.client("hospital-a")
    elsewhere = "http://example.org/fhir/Patient"
    patients = [(await world.post(own, a_patient()))["id"] for _ in range(2)]
    made = [
        await world.post(own, an_observation(patients[0], subject={"reference": f"{elsewhere}/{id_}"}))
        for id_ in patients
    ]

    for id_, one in zip(patients, made, strict=True):
        for name in ("patient", "subject"):
            response = await world.http.get(f"/fhir/Observation?{name}={elsewhere}/{id_}", headers=own)
            assert [entry["resource"]["id"] for entry in response.json()["entry"]] == [one["id"]]
