"""`_text` and `_content`: what is found, by whom, in which order, on both databases."""

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.records.reindex import reindex_types
from fhir.store.tables import index_gram, index_text
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


def narrative(text: str) -> dict[str, Any]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'}


def a_condition(patient: str, name: str, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "clinicalStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
        },
        "code": {"text": name},
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


async def found(world: World, caller: dict[str, str], type_name: str, **query: str) -> list[str]:
    """Return the ids of every page, in order."""
    response = await world.http.get(f"/fhir/{type_name}", headers=caller, params=query)
    ids: list[str] = []
    while True:
        assert response.status_code == 200, response.text
        bundle = response.json()
        ids += [entry["resource"]["id"] for entry in bundle.get("entry", ())]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        if not following:
            assert bundle["total"] == len(ids)
            return ids
        response = await world.http.get(following[0], headers=caller)


@pytest.mark.parametrize(
    ("query", "which"),
    [
        ({"_content": "糖尿"}, "ab"),
        ({"_content": "糖尿病"}, "a"),
        ({"_content": "尿病"}, "ab"),
        ({"_content": "癌"}, "c"),
        ({"_content": "胃癌"}, "c"),
        ({"_content": "胃癌,糖尿病"}, "ac"),
        ({"_content": "hba"}, "ac"),
        ({"_content": "hba 糖尿病"}, "a"),
        ({"_content": '"hba1c 高値"'}, "a"),
        ({"_content": "高値 hba1c"}, "ac"),
        ({"_content": "存在しない"}, ""),
        ({"_content": "z"}, ""),
        ({"_text": "糖尿"}, "b"),
        ({"_text": "糖尿,胃癌"}, "b"),
        ({"_text": "糖尿", "_content": "食後"}, ""),
        ({"_content": "糖尿", "clinical-status": "active"}, "ab"),
        ({"_text:missing": "false"}, "b"),
        ({"_text:missing": "true"}, "ac"),
        ({"_content:missing": "true"}, ""),
    ],
)
async def test_conditions_are_found(world: World, query: dict[str, str], which: str) -> None:
    hospital = await world.client("hospital-a")
    patient, other = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    made = {
        "a": await world.post(hospital, a_condition(patient, "2型糖尿病", note=[{"text": "HbA1c 高値"}])),
        "b": await world.post(hospital, a_condition(patient, "疑い", text=narrative("糖尿なし。尿病院へ"))),
        "c": await world.post(hospital, a_condition(other, "早期胃癌", note=[{"text": "高値ではない。HbA1c正常"}])),
    }
    names = {one["id"]: name for name, one in made.items()}

    everywhere = await found(world, hospital, "Condition", **query)
    of_patient = await found(world, hospital, "Condition", patient=patient, **query)

    assert sorted(names[id_] for id_ in everywhere) == sorted(which)
    assert sorted(names[id_] for id_ in of_patient) == sorted(set(which) - {"c"})


async def test_matches_are_sorted_and_paged(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    days = ("2024-01-03", "2024-01-01", "2024-01-02")
    made = [await world.post(hospital, a_condition(patient, "糖尿病", onsetDateTime=day)) for day in days]
    await world.post(hospital, a_condition(patient, "高血圧", onsetDateTime="2024-01-02"))

    query = {"_content": "糖尿", "_sort": "-onset-date", "_count": "1"}

    wanted = [made[0]["id"], made[2]["id"], made[1]["id"]]
    assert await found(world, hospital, "Condition", **query) == wanted
    assert await found(world, hospital, "Condition", patient=patient, **query) == wanted


async def test_what_belongs_to_no_patient_is_found(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, {"resourceType": "Practitioner", "name": [{"text": "髙﨑 花子"}]})
    await world.post(hospital, {"resourceType": "Practitioner", "name": [{"text": "山崎 花子"}]})

    assert await found(world, hospital, "Practitioner", _content="高崎 ハナコ") == []
    assert await found(world, hospital, "Practitioner", _content="高崎 花子") == [made["id"]]


async def test_a_text_is_found_as_it_is_now(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, a_condition(patient, "糖尿病"))

    await world.http.put(f"/fhir/Condition/{made['id']}", headers=hospital, json={**made, "code": {"text": "胃癌"}})
    updated = [await found(world, hospital, "Condition", _content=word) for word in ("糖尿", "胃癌")]
    await world.http.delete(f"/fhir/Condition/{made['id']}", headers=hospital)
    deleted = await found(world, hospital, "Condition", _content="胃癌")

    assert updated == [[], [made["id"]]]
    assert deleted == []
    assert [row[5] for row in await world.hub.database.reader.fetch(select(index_text), {}) if "癌" in row[5]] == []


async def test_a_text_is_found_by_those_it_is_disclosed_to(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    open_, shut = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    made = [await world.post(hospital, a_condition(patient, "糖尿病")) for patient in (open_, shut)]
    await world.post(hospital, a_consent(open_, "clinic-c"))

    assert await found(world, clinic, "Condition", _content="糖尿") == [made[0]["id"]]
    assert await found(world, clinic, "Condition", patient=shut, _content="糖尿") == []
    assert len(await found(world, hospital, "Condition", _content="糖尿")) == 2


async def test_reindexing_makes_the_texts_anew(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, a_condition(patient, "糖尿病"))
    async with world.hub.database.write() as connection:
        for table in (index_text, index_gram):
            await connection.execute(table.delete(), {})
    before = await found(world, hospital, "Condition", _content="糖尿")

    async for _ in reindex_types(world.hub, ["Condition"], again=True):
        pass

    assert before == []
    assert await found(world, hospital, "Condition", _content="糖尿") == [made["id"]]


async def test_one_transaction_and_the_next_may_say_the_same(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    entries = [
        {
            "request": {"method": "POST", "url": "Observation"},
            "resource": an_observation(patient, note=[{"text": note}]),
        }
        for note in ["食後の採血"] * 60
    ]
    bundle = orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    for _ in range(2):
        answer = await world.http.post("/fhir", headers=hospital, content=bundle)
        assert answer.status_code == 200, answer.text

    assert await world.total(hospital, "Observation?_content=採血") == 120


@pytest.mark.parametrize(
    "query",
    [
        "_content=",
        "_content=。",
        '_text="糖尿',
        "_content:exact=糖尿",
        "_text:contains=糖尿",
        "_sort=_content",
        "_text=a,",
    ],
)
async def test_what_cannot_be_asked_is_refused(world: World, query: str) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.get(f"/fhir/Condition?{query}", headers=hospital)

    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
