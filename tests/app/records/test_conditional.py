"""A condition means one resource in the caller's own custody, however many write at once."""

import asyncio
from typing import Any

import httpx
import pytest

from app.settings import Settings
from tests.app.records.test_transaction import a_bundle, entry
from tests.world import World, a_consent, a_patient, an_observation, running

pytestmark = pytest.mark.anyio

SYSTEM = "urn:oid:1.2.392.100495.20.3.51"


def numbered(value: str, **fields: Any) -> dict[str, Any]:
    return a_patient(identifier=[{"system": SYSTEM, "value": value}], **fields)


def if_none(value: str) -> dict[str, str]:
    return {"If-None-Exist": f"identifier={SYSTEM}|{value}"}


def codes(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["issue"][0]["code"]


async def test_a_create_that_finds_its_resource_writes_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")

    first = await world.http.post("/fhir/Patient", headers=hospital | if_none("1"), json=numbered("1"))
    second = await world.http.post(
        "/fhir/Patient", headers=hospital | if_none("1"), json=numbered("1", gender="female")
    )

    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert second.headers["location"] == first.headers["location"]
    assert await world.total(hospital, "Patient") == 1


async def test_what_a_condition_found_is_in_the_audit_log(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, numbered("1"))
    before = len(await _touched(world, made["id"]))

    await world.http.post("/fhir/Patient", headers=hospital | if_none("1"), json=numbered("1"))

    assert len(await _touched(world, made["id"])) == before + 1


async def _touched(world: World, patient: str) -> list[Any]:
    from sqlalchemy import select

    from app.audit.record import unseal
    from app.audit.tables import audit_record, audit_salt

    reader = world.hub.database.reader
    salts = [bytes(salt) for (salt,) in await reader.fetch(select(audit_salt.c.salt), {})]
    found = []
    for (record,) in await reader.fetch(select(audit_record.c.record), {}):
        for salt in salts:
            try:
                event = unseal(bytes(record), world.hub.audit.keys, salt)
            except ValueError:
                continue
            if event.patient == f"Patient/{patient}" and not event.erased:
                found.append(event)
    return found


async def test_several_matches_are_refused_and_nothing_is_written(world: World) -> None:
    hospital = await world.client("hospital-a")
    for _ in range(2):
        await world.post(hospital, numbered("1"))
    where = f"Patient?identifier={SYSTEM}|1"

    created = await world.http.post("/fhir/Patient", headers=hospital | if_none("1"), json=numbered("1"))
    updated = await world.http.put(f"/fhir/{where}", headers=hospital, json=numbered("1"))
    deleted = await world.http.delete(f"/fhir/{where}", headers=hospital)

    assert [codes(one) for one in (created, updated, deleted)] == [(412, "multiple-matches")] * 3
    assert await world.total(hospital, "Patient") == 2


async def test_another_sites_resource_fulfils_no_condition(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    theirs = await world.post(hospital, numbered("1"))
    await world.post(hospital, a_consent(theirs["id"], "clinic-c"))
    assert await world.total(clinic, f"Patient?identifier={SYSTEM}|1") == 1
    where = f"/fhir/Patient?identifier={SYSTEM}|1"

    created = await world.http.post("/fhir/Patient", headers=clinic | if_none("1"), json=numbered("1"))
    await world.http.delete(where, headers=clinic)
    updated = await world.http.put(where, headers=clinic, json=numbered("1"))
    deleted = await world.http.delete(f"/fhir/Patient?identifier={SYSTEM}|2", headers=clinic)

    assert (created.status_code, updated.status_code, deleted.status_code) == (201, 201, 404)
    kept = await world.http.get(f"/fhir/Patient/{theirs['id']}", headers=hospital)
    assert kept.json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    ("header", "path"),
    [("nonsense=1", "nonsense"), ("_count=1", "If-None-Exist"), ("", "If-None-Exist"), ("birthdate=x", None)],
)
async def test_a_condition_that_is_no_search_is_refused(world: World, header: str, path: str | None) -> None:
    hospital = await world.client("hospital-a")

    refused = await world.http.post("/fhir/Patient", headers=hospital | {"If-None-Exist": header}, json=a_patient())

    assert refused.status_code == 400
    if path is not None:
        assert refused.json()["issue"][0]["expression"] == [path]
    assert await world.total(hospital, "Patient") == 0


async def test_conditional_writes_at_once_make_one_resource(world: World) -> None:
    hospital = await world.client("hospital-a")
    bundle = a_bundle(
        "transaction",
        entry("POST", "Patient", numbered("1"), request={"ifNoneExist": f"identifier={SYSTEM}|1"}),
    )

    answers = await asyncio.gather(
        *(world.http.post("/fhir/Patient", headers=hospital | if_none("1"), json=numbered("1")) for _ in range(6)),
        *(
            world.http.put(f"/fhir/Patient?identifier={SYSTEM}|1", headers=hospital, json=numbered("1"))
            for _ in range(6)
        ),
        *(world.http.post("/fhir", headers=hospital, json=bundle) for _ in range(6)),
    )

    assert {one.status_code for one in answers} <= {200, 201}
    assert await world.total(hospital, f"Patient?identifier={SYSTEM}|1") == 1


async def test_a_conditional_update_writes_the_next_version_or_a_new_resource(world: World) -> None:
    hospital = await world.client("hospital-a")
    where = f"/fhir/Patient?identifier={SYSTEM}|1"

    made = await world.http.put(where, headers=hospital, json=numbered("1"))
    changed = await world.http.put(where, headers=hospital, json=numbered("1", gender="female"))
    named = await world.http.put(where, headers=hospital, json=numbered("1", id=made.json()["id"]))
    stale = await world.http.put(where, headers=hospital | {"If-Match": 'W/"1"'}, json=numbered("1"))
    other = await world.http.put(where, headers=hospital, json=numbered("1", id="hospital-a-9"))

    assert [one.status_code for one in (made, changed, named, stale, other)] == [201, 200, 200, 412, 400]
    assert changed.json()["id"] == made.json()["id"]
    assert named.json()["meta"]["versionId"] == "3"
    assert other.json()["issue"][0]["expression"] == ["Patient.id"]


async def test_a_conditional_update_that_means_nothing_may_choose_a_new_id_only(world: World) -> None:
    hospital = await world.client("hospital-a")
    where = f"/fhir/Patient?identifier={SYSTEM}|1"
    there = await world.http.put("/fhir/Patient/hospital-a-1", headers=hospital, json=numbered("2", id="hospital-a-1"))

    taken = await world.http.put(where, headers=hospital, json=numbered("1", id="hospital-a-1"))
    foreign = await world.http.put(where, headers=hospital, json=numbered("1", id="hospital-b-1"))
    made = await world.http.put(where, headers=hospital, json=numbered("1", id="hospital-a-2"))

    assert there.status_code == 201
    assert [one.status_code for one in (taken, foreign, made)] == [409, 404, 201]
    assert made.json()["id"] == "hospital-a-2"


async def test_a_conditional_delete_deletes_what_it_means(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, numbered("1"))
    kept = await world.post(hospital, numbered("2"))

    deleted = await world.http.delete(f"/fhir/Patient?identifier={SYSTEM}|1", headers=hospital)
    again = await world.http.delete(f"/fhir/Patient?identifier={SYSTEM}|1", headers=hospital)

    assert (deleted.status_code, again.status_code) == (204, 404)
    assert (await world.http.get(f"/fhir/Patient/{made['id']}", headers=hospital)).status_code == 410
    assert (await world.http.get(f"/fhir/Patient/{kept['id']}", headers=hospital)).status_code == 200


async def test_a_setting_lets_a_conditional_delete_mean_several(settings: Settings) -> None:
    async with running(settings.model_copy(update={"conditional_delete": "multiple"})) as world:
        hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
        for _ in range(3):
            await world.post(hospital, numbered("1"))
        await world.post(other, numbered("1"))

        deleted = await world.http.delete(f"/fhir/Patient?identifier={SYSTEM}|1", headers=hospital)
        stated = (await world.http.get("/fhir/metadata")).json()["rest"][0]["resource"][0]

        assert deleted.status_code == 204
        assert await world.total(hospital, "Patient") == 0
        assert await world.total(other, "Patient") == 1
        assert stated["conditionalDelete"] == "multiple"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": 'W/"1"'}, 304),
        ({"If-None-Match": '"1"'}, 304),
        ({"If-None-Match": 'W/"7", W/"1"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": 'W/"2"'}, 200),
        ({"If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT"}, 304),
        ({"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-None-Match": 'W/"2"', "If-Modified-Since": "Fri, 31 Dec 2100 23:59:59 GMT"}, 200),
    ],
)
async def test_a_read_of_what_the_caller_has_is_answered_without_a_body(
    world: World, headers: dict[str, str], status: int
) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, a_patient())

    for address in (f"/fhir/Patient/{made['id']}", f"/fhir/Patient/{made['id']}/_history/1"):
        response = await world.http.get(address, headers=hospital | headers)

        assert response.status_code == status
        assert response.headers["etag"] == 'W/"1"'
        assert bool(response.content) == (status == 200)
        assert ("content-length" in response.headers) == (status == 200)


async def test_entries_refer_to_what_a_condition_found(world: World) -> None:
    hospital = await world.client("hospital-a")
    there = await world.post(hospital, numbered("1"))
    urn = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
    bundle = a_bundle(
        "transaction",
        entry(
            "POST",
            "Patient",
            numbered("1"),
            fullUrl=urn,
            request={"ifNoneExist": f"identifier={SYSTEM}|1"},
        ),
        entry("POST", "Observation", an_observation("x") | {"subject": {"reference": urn}}),
        entry(
            "POST",
            "Observation",
            an_observation("x") | {"subject": {"reference": f"Patient?identifier={SYSTEM}|1"}},
        ),
        entry("PUT", f"Patient?identifier={SYSTEM}|2", numbered("2")),
        entry("DELETE", f"Patient?identifier={SYSTEM}|3"),
    )

    done = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert done.status_code == 200, done.text
    assert [one["response"]["status"] for one in done.json()["entry"]] == ["200", "201", "201", "201", "204"]
    assert await world.total(hospital, f"Observation?patient={there['id']}") == 2
    assert await world.total(hospital, "Patient") == 2


async def test_a_conditional_reference_means_no_hidden_resource(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await world.post(hospital, numbered("1"))
    refused = []
    for value in ("1", "unknown"):
        subject = {"subject": {"reference": f"Patient?identifier={SYSTEM}|{value}"}}
        bundle = a_bundle("transaction", entry("POST", "Observation", an_observation("x") | subject))
        refused.append(await world.http.post("/fhir", headers=clinic, json=bundle))

    assert [codes(one) for one in refused] == [(412, "multiple-matches")] * 2
    assert refused[0].text.replace("%7C1", "").replace("|1", "") == refused[1].text.replace("|unknown", "")


async def test_reads_in_a_transaction_see_what_it_wrote(world: World) -> None:
    hospital = await world.client("hospital-a")
    bundle = a_bundle(
        "transaction",
        entry("GET", "Patient/hospital-a-1"),
        entry("GET", f"Patient?identifier={SYSTEM}|1"),
        entry("GET", "Patient/hospital-a-1/_history"),
        entry("PUT", "Patient/hospital-a-1", numbered("1", id="hospital-a-1")),
    )

    done = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert done.status_code == 200, done.text
    read, search, history, _ = done.json()["entry"]
    assert read["resource"]["identifier"][0]["value"] == "1"
    assert (search["resource"]["total"], search["resource"]["type"]) == (1, "searchset")
    assert history["resource"]["type"] == "history"
    assert len(await _touched(world, "hospital-a-1")) == 4


async def test_a_transaction_answers_whole_resources_when_asked(world: World) -> None:
    hospital = await world.client("hospital-a")
    bundle = a_bundle("transaction", entry("POST", "Patient", numbered("1")))

    done = await world.http.post("/fhir", headers=hospital | {"Prefer": "return=representation"}, json=bundle)

    (one,) = done.json()["entry"]
    assert one["resource"]["identifier"][0]["value"] == "1"
    assert one["response"]["status"] == "201"
    assert one["fullUrl"].endswith(f"/fhir/Patient/{one['resource']['id']}")


async def test_a_conditional_patch_changes_the_one_resource_it_means(world: World) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, numbered("1"))
    where = f"/fhir/Patient?identifier={SYSTEM}|"
    headers = hospital | {"content-type": "application/json-patch+json"}
    change = b'[{"op":"replace","path":"/gender","value":"female"}]'

    changed = await world.http.patch(f"{where}1", headers=headers, content=change)
    missing = await world.http.patch(f"{where}2", headers=headers, content=change)
    stale = await world.http.patch(f"{where}1", headers=headers | {"If-Match": 'W/"1"'}, content=change)

    assert (changed.status_code, changed.json()["id"], changed.json()["gender"]) == (200, made["id"], "female")
    assert [codes(missing), codes(stale)] == [(404, "not-found"), (412, "conflict")]
