from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import open_database
from app.records.forget import Forgetting
from fhir.search.hashing import hash64
from fhir.store.read import read
from fhir.store.tables import (
    INDEX_TABLES,
    index_gram,
    patient_chart,
    resource,
    resource_id,
    resource_patient,
    resource_version,
)
from tests.app.records.test_several_patients import performed_by
from tests.portal import recorded
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

TABLES = (resource, resource_version, resource_id, resource_patient, patient_chart, *INDEX_TABLES, index_gram)
DELETED = "?expungeDeletedResources=true"
PREVIOUS = "?expungePreviousVersions=true"


async def rows(world: World) -> dict[str, int]:
    """Return how many rows each table of the store has."""
    found = {}
    for table in TABLES:
        found[table.name] = (await world.hub.database.reader.fetch(select(func.count()).select_from(table), {}))[0][0]
    return found


async def remove(world: World, caller: dict[str, str], path: str) -> httpx.Response:
    return await world.http.post(f"/fhir/{path}", headers=caller)


async def delete(world: World, caller: dict[str, str], path: str) -> None:
    assert (await world.http.delete(f"/fhir/{path}", headers=caller)).status_code == 204


def count(answer: httpx.Response) -> int:
    assert answer.status_code == 200, answer.text
    return int(answer.json()["parameter"][0]["valueInteger"])


async def test_a_deleted_resource_is_removed_with_all_that_it_was_found_by(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    before = await rows(world)
    made = await world.post(hospital, an_observation(patient))
    path = f"Observation/{made['id']}"
    await delete(world, hospital, path)

    answer = await remove(world, office, f"{path}/$expunge{DELETED}")

    assert count(answer) == 2
    assert await rows(world) == before
    gone = [await world.http.get(f"/fhir/{path}{more}", headers=hospital) for more in ("", "/_history", "/_history/1")]
    assert [one.status_code for one in gone] == [404, 404, 404]


@pytest.mark.parametrize("type_name", ["Provenance", "Binary"])
async def test_what_pointed_at_others_leaves_nothing_behind(world: World, type_name: str) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = await world.post(hospital, an_observation(patient))
    before = await rows(world)
    link = {"reference": f"Observation/{observation['id']}"}
    bodies: dict[str, dict[str, Any]] = {
        "Provenance": {"target": [link], "recorded": "2024-05-01T10:00:00Z", "agent": [{"who": {"display": "x"}}]},
        "Binary": {"contentType": "text/plain", "securityContext": link, "data": "eA=="},
    }
    made = await world.post(hospital, {"resourceType": type_name, **bodies[type_name]})
    await delete(world, hospital, f"{type_name}/{made['id']}")

    await remove(world, office, f"{type_name}/{made['id']}/$expunge{DELETED}")

    assert await rows(world) == before


async def test_a_row_of_several_patients_leaves_their_charts(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    mother, child = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    before = await rows(world)
    made = await world.post(hospital, an_observation(child, **performed_by(mother)))
    await delete(world, hospital, f"Observation/{made['id']}")

    answer = await remove(world, office, f"Observation/{made['id']}/$expunge{DELETED}")

    assert count(answer) == 2
    assert await rows(world) == before


async def test_older_versions_are_removed_and_the_current_one_stays(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    made = await world.post(hospital, a_patient())
    path = f"Patient/{made['id']}"
    for gender in ("female", "other"):
        await world.http.put(f"/fhir/{path}", headers=hospital, json={**made, "gender": gender})

    answer = await remove(world, office, f"{path}/$expunge{PREVIOUS}")

    assert count(answer) == 2
    read = [
        await world.http.get(f"/fhir/{path}{more}", headers=hospital) for more in ("", "/_history/1", "/_history/3")
    ]
    assert [one.status_code for one in read] == [200, 404, 200]
    assert read[0].json()["gender"] == "other"
    history = (await world.http.get(f"/fhir/{path}/_history", headers=hospital)).json()
    assert [one["resource"]["meta"]["versionId"] for one in history["entry"]] == ["3"]


async def test_a_patient_is_removed_when_nothing_belongs_to_it_any_more(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    before = await rows(world)
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, an_observation(patient))
    await delete(world, hospital, f"Observation/{made['id']}")
    await delete(world, hospital, f"Patient/{patient}")

    refused = await remove(world, office, f"Patient/{patient}/$expunge{DELETED}")
    await remove(world, office, f"Observation/{made['id']}/$expunge{DELETED}")
    done = await remove(world, office, f"Patient/{patient}/$expunge{DELETED}")

    assert (refused.status_code, done.status_code) == (409, 200)
    assert await rows(world) == before


async def test_what_still_exists_is_not_removed(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]

    answers = [
        (await remove(world, office, path)).status_code
        for path in (
            f"Patient/{patient}/$expunge{DELETED}",
            f"Patient/never/$expunge{DELETED}",
            f"Patient/{patient}/$expunge",
        )
    ]

    assert answers == [409, 404, 400]
    assert (await world.http.get(f"/fhir/Patient/{patient}", headers=hospital)).status_code == 200


@pytest.mark.parametrize("role", ["system", "doctor", "auditor", "operator", "clerk"])
async def test_nobody_but_the_secretariat_removes_anything(world: World, role: str) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await delete(world, hospital, f"Patient/{patient}")
    other = await world.client("hospital-a", role=role)

    answers = [await remove(world, other, f"Patient/{id_}/$expunge{DELETED}") for id_ in (patient, "never")]

    assert [one.status_code for one in answers] == [403, 403]
    assert (await world.http.get(f"/fhir/Patient/{patient}", headers=hospital)).status_code == 410


async def test_the_removal_is_on_record_beside_all_that_was_before(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, an_observation(patient))
    await delete(world, hospital, f"Observation/{made['id']}")
    before = await recorded(world)

    await remove(world, office, f"Observation/{made['id']}/$expunge{DELETED}")

    after = await recorded(world)
    assert after[: len(before)] == before
    (event,) = after[len(before) :]
    assert (event.action, event.patient, event.entities) == (
        *("D", f"Patient/{patient}"),
        (f"Observation/{made['id']}/_history/2",),
    )


async def test_what_texts_of_expunged_versions_alone_have_is_removed(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    kept = await world.post(hospital, an_observation(patient, note=[{"text": "胃癌の疑い"}]))
    before = await rows(world)
    made = await world.post(hospital, an_observation(patient, note=[{"text": "胃潰瘍の疑い"}]))
    path = f"Observation/{made['id']}"
    for note in ("胃炎", "正常"):
        body = an_observation(patient, id=made["id"], note=[{"text": note}])
        assert (await world.http.put(f"/fhir/{path}", headers=hospital, json=body)).status_code == 200
    found = [await world.total(hospital, f"Observation?_content={word}") for word in ("潰瘍", "胃炎", "正常", "胃癌")]
    full = await rows(world)

    previous = await remove(world, office, f"{path}/$expunge{PREVIOUS}")
    fewer = await rows(world)
    await delete(world, hospital, path)
    deleted = await remove(world, office, f"{path}/$expunge{DELETED}")

    assert (count(previous), count(deleted)) == (2, 2)
    assert found == [0, 0, 1, 1]
    assert before["index_gram"] < fewer["index_gram"] < full["index_gram"]
    assert await rows(world) == before
    assert await world.total(hospital, "Observation?_content=疑い") == 1
    assert (await world.http.get(f"/fhir/Observation/{kept['id']}", headers=hospital)).status_code == 200


async def test_a_page_link_leads_to_nothing_that_was_expunged(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    made = [(await world.post(hospital, a_patient(gender="other")))["id"] for _ in range(3)]
    first = (await world.http.get("/fhir/Patient?gender=other&_count=1&_sort=_id", headers=hospital)).json()
    (link,) = [one["url"] for one in first["link"] if one["relation"] == "next"]
    for later in sorted(made)[1:]:
        body = a_patient(id=later, gender="male")
        assert (await world.http.put(f"/fhir/Patient/{later}", headers=hospital, json=body)).status_code == 200
    assert count(await remove(world, office, f"Patient/{sorted(made)[1]}/$expunge{PREVIOUS}")) == 1

    page = (await world.http.get(link, headers=hospital)).json()

    assert [(one["resource"]["id"], one["resource"]["gender"]) for one in page["entry"]] == [(sorted(made)[2], "other")]


async def test_what_was_removed_leaves_the_memory_of_each_process(world: World) -> None:
    hospital, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, an_observation(patient))
    path = f"Observation/{made['id']}"
    await world.http.get(f"/fhir/{path}", headers=hospital)
    other = await open_database(world.hub.settings)
    await read(other.reader, EVERYTHING_VISIBLE, "Observation", made["id"])
    databases = (world.hub.database, other)
    kept_before = [one.reader.versions.of(hash64(path)) for one in databases]  # type: ignore[union-attr]
    forgetting = Forgetting(other, 0)
    await delete(world, hospital, path)

    await remove(world, office, f"{path}/$expunge{DELETED}")
    await forgetting.look()
    kept_after = [one.reader.versions.of(hash64(path)) for one in databases]  # type: ignore[union-attr]
    await other.close()

    assert all(kept_before)
    assert kept_after == [None, None]


async def test_what_is_kept_stays_while_nothing_is_removed(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.http.get(f"/fhir/Patient/{patient}", headers=hospital)
    forgetting = Forgetting(world.hub.database, 0)

    await forgetting.look()

    assert world.hub.database.reader.versions is not None
    assert world.hub.database.reader.versions.of(hash64(f"Patient/{patient}"))
