from typing import Any

import pytest

from app.records import lastn
from fhir.store.labels import ACT_CODE
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

A1C, LOCAL, GLUCOSE = (
    {"system": "http://loinc.org", "code": "4548-4"},
    {"system": "urn:oid:1.2.392.200119.4.504", "code": "3D046000001906202"},
    {"system": "http://loinc.org", "code": "2345-7"},
)


PSY = {"system": ACT_CODE, "code": "PSY"}


async def results(world: World, caller: dict[str, str], patient: str) -> list[str]:
    """Write Observations of two kinds, one of them under two systems; return their ids, the oldest first."""
    codes = [[A1C], [A1C, LOCAL], [LOCAL], [GLUCOSE], [GLUCOSE]]
    made = []
    for month, codings in enumerate(codes, start=1):
        date = f"2024-0{month}-01"
        made.append(await world.post(caller, an_observation(patient, code={"coding": codings}, effectiveDateTime=date)))
    return [one["id"] for one in made]


async def last(world: World, caller: dict[str, str], query: str) -> list[str]:
    answer = await world.http.get(f"/fhir/Observation/$lastn?{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    ids = [one["resource"]["id"] for one in bundle.get("entry", ())]
    assert bundle["total"] == len(ids)
    return ids


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", [4, 2]),
        ("&max=2", [4, 3, 2, 1]),
        ("&max=9", [4, 3, 2, 1, 0]),
        ("&code=http://loinc.org|2345-7&max=1", [4]),
        ("&category=laboratory", [4, 2]),
        ("&category=vital-signs", []),
        ("&date=lt2024-03", [1]),
    ],
)
async def test_the_last_of_each_code_come_the_newest_first(
    world: World, query: str, wanted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lastn, "READ", 2)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await results(world, hospital, patient)

    assert await last(world, hospital, f"patient={patient}{query}") == [made[number] for number in wanted]
    assert await last(world, hospital, f"subject=Patient/{patient}{query}") == [made[number] for number in wanted]


async def test_the_last_is_the_last_that_exists_for_the_caller_and_only_it_is_on_record(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await results(world, hospital, patient)
    hidden = an_observation(patient, code={"coding": [GLUCOSE]}, effectiveDateTime="2024-06", meta={"security": [PSY]})
    newest = (await world.post(hospital, hidden))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))

    assert await last(world, clinic, f"patient={patient}") == [made[4], made[2]]
    (event,) = [event for event in await recorded(world) if "$lastn" in str(event.path)]
    assert set(event.entities) == {f"Observation/{made[number]}/_history/1" for number in (2, 4)}
    assert await last(world, hospital, f"patient={patient}") == [newest, made[2]]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Observation/$lastn", 400),
        ("Observation/$lastn?patient=1&max=0", 400),
        ("Observation/$lastn?patient=1&max=1&max=2", 400),
        ("Observation/$lastn?patient=1&_sort=date", 400),
        ("Observation/$lastn?patient=1&unknown=1", 400),
        ("Condition/$lastn?patient=1", 404),
    ],
)
async def test_what_cannot_be_answered_is_refused(world: World, path: str, status: int) -> None:
    hospital = await world.client("hospital-a")

    assert (await world.http.get(f"/fhir/{path}", headers=hospital)).status_code == status


async def test_parameters_may_come_as_a_resource(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await results(world, hospital, patient)
    parameters: list[dict[str, Any]] = [
        {"name": "patient", "valueString": patient},
        {"name": "max", "valuePositiveInt": 1},
        {"name": "code", "valueCodeableConcept": {"coding": [A1C, GLUCOSE]}},
    ]

    answer = await world.http.post(
        "/fhir/Observation/$lastn", headers=hospital, json={"resourceType": "Parameters", "parameter": parameters}
    )

    assert [one["resource"]["id"] for one in answer.json()["entry"]] == [made[4], made[1]]


async def test_codes_of_text_are_kinds_of_their_own(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = [
        (await world.post(hospital, an_observation(patient, code={"text": text}, effectiveDateTime=date)))["id"]
        for text, date in (("体重", "2024-01"), ("身長", "2024-02"), ("体重", "2024-03"))
    ]

    assert await last(world, hospital, f"patient={patient}") == [made[2], made[1]]
