import json
from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


def told(answer: Any) -> list[tuple[Any, ...]]:
    """Return type, path, name and value of each operation of an answer."""
    assert answer.status_code == 200, answer.text
    found = []
    for parameter in answer.json().get("parameter", ()):
        assert parameter["name"] == "operation"
        parts = {part["name"]: part for part in parameter["part"]}
        value = {key: one for key, one in parts.get("value", {}).items() if key != "name"}
        name = parts.get("name", {}).get("valueString")
        found.append((parts["type"]["valueCode"], parts["path"]["valueString"], name, value))
    return found


async def changed(world: World, caller: dict[str, str], old: dict[str, Any], **fields: Any) -> str:
    """Write a resource and a second version of it; return its path."""
    made = await world.post(caller, old)
    new = {key: value for key, value in {**made, **fields}.items() if value is not None}
    path = f"/fhir/{made['resourceType']}/{made['id']}"
    assert (await world.http.put(path, headers=caller, json=new)).status_code == 200
    return path


async def test_what_changed_since_the_version_before_is_told_as_a_patch(world: World) -> None:
    hospital = await world.client("hospital-a")
    path = await changed(
        world,
        hospital,
        a_patient(
            name=[{"family": "山田", "given": ["太郎", "次郎"]}], contact=[{"gender": "male", "name": {"text": "一郎"}}]
        ),
        gender=None,
        birthDate="1960-01-03",
        name=[{"family": "山本", "given": ["太郎"]}, {"text": "旧姓"}],
        contact=[{"gender": "male", "name": {"text": "一郎"}}, {"gender": "female", "name": {"text": "花子"}}],
        active=True,
    )

    answer = await world.http.get(f"{path}/$diff", headers=hospital)

    assert told(answer) == [
        ("replace", "Patient.name[0].family", None, {"valueString": "山本"}),
        ("delete", "Patient.name[0].given[1]", None, {}),
        ("add", "Patient", "name", {"valueHumanName": {"text": "旧姓"}}),
        ("replace", "Patient.birthDate", None, {"valueDate": "1960-01-03"}),
        ("delete", "Patient.gender", None, {}),
        (
            *("add", "Patient", "contact"),
            {
                "part": [
                    {"name": "gender", "valueCode": "female"},
                    {"name": "name", "valueHumanName": {"text": "花子"}},
                ]
            },
        ),
        ("add", "Patient", "active", {"valueBoolean": True}),
    ]


async def test_a_choice_of_another_type_is_taken_away_and_added(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    path = await changed(world, hospital, an_observation(patient), valueQuantity=None, valueString="high")

    answer = await world.http.get(f"{path}/$diff", headers=hospital)

    assert told(answer) == [
        ("delete", "Observation.value", None, {}),
        ("add", "Observation", "value", {"valueString": "high"}),
    ]


async def test_numbers_are_compared_as_they_are_written(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, an_observation(patient))
    text = json.dumps(made).replace("6.3", "6.30")
    await world.http.put(f"/fhir/Observation/{made['id']}", headers=hospital, content=text)

    answer = await world.http.get(f"/fhir/Observation/{made['id']}/$diff", headers=hospital)

    assert [one[:2] for one in told(answer)] == [("replace", "Observation.value.value")]
    assert '"valueDecimal":6.30' in answer.text


async def test_versions_and_meta_are_chosen(world: World) -> None:
    hospital = await world.client("hospital-a")
    path = await changed(world, hospital, a_patient(), gender="female")
    made = (await world.http.get(path, headers=hospital)).json()
    await world.http.put(path, headers=hospital, json={**made, "active": True})

    since_first = await world.http.get(f"{path}/$diff?fromVersion=1", headers=hospital)
    with_meta = await world.http.get(f"{path}/$diff?includeMeta=true", headers=hospital)
    never = await world.http.get(f"{path}/$diff?fromVersion=9", headers=hospital)

    assert [one[1] for one in told(since_first)] == ["Patient.gender", "Patient"]
    assert "Patient.meta.versionId" in [one[1] for one in told(with_meta)]
    assert never.status_code == 404


async def test_two_resources_are_compared(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    one = (await world.post(hospital, a_patient()))["id"]
    other = (await world.post(hospital, a_patient(gender="female")))["id"]
    await world.post(hospital, a_consent(one, "clinic-c"))
    url = f"/fhir/$diff?from=Patient/{one}&to=Patient/{other}/_history/1"
    named = [
        {"name": name, "valueReference": {"reference": f"Patient/{id_}"}}
        for name, id_ in (("from", one), ("to", other))
    ]

    answer = await world.http.get(url, headers=hospital)
    posted = await world.http.post(
        "/fhir/$diff", headers=hospital, json={"resourceType": "Parameters", "parameter": named}
    )
    hidden = await world.http.get(url, headers=clinic)

    assert told(answer) == told(posted) == [("replace", "Patient.gender", None, {"valueCode": "female"})]
    assert hidden.status_code == 404


@pytest.mark.parametrize("query", ["", "?from=Patient/1", "?from=Nothing/1&to=Nothing/2", "?from=x&to=y", "?unknown=1"])
async def test_what_names_no_two_resources_is_refused(world: World, query: str) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/$diff{query}", headers=hospital)

    assert response.status_code in (400, 404)
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_a_resource_of_one_version_differs_in_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]

    answer = await world.http.get(f"/fhir/Patient/{patient}/$diff", headers=hospital)

    assert answer.json() == {"resourceType": "Parameters"}
