import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.access.identify import COOKIE
from app.access.tables import client as client_table
from app.blobs.tables import blob
from app.records.export import file as export_file
from app.records.export import making, run
from app.records.export.tables import export_file as file_table
from app.records.export.tables import export_job
from app.records.jobs.queue import LASTS
from tests.app.records.test_several_patients import are_one_person
from tests.portal import a_session, recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

ASYNC = {"Prefer": "respond-async"}
HOUR = 3_600_000_000


async def kick_off(world: World, caller: dict[str, str], path: str, **more: Any) -> str:
    """Begin an export and return the path of its status."""
    method = "POST" if more else "GET"
    response = await world.http.request(method, f"/fhir/{path}", headers=caller | ASYNC, **more)
    assert response.status_code == 202, response.text
    return response.headers["content-location"].removeprefix(world.hub.settings.address)


async def manifest(world: World, caller: dict[str, str], status: str) -> dict[str, Any]:
    """Wait until an export is done."""
    for _ in range(400):
        response = await world.http.get(status, headers=caller)
        if response.status_code != 202:
            assert response.status_code == 200, response.text
            return dict(response.json())
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["x-progress"]
        await asyncio.sleep(0.02)
    raise AssertionError("The export does not end")


async def fetch(world: World, caller: dict[str, str], url: str) -> list[bytes]:
    response = await world.http.get(url, headers=caller | {"Accept": "application/fhir+ndjson"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/fhir+ndjson"
    assert response.content == b"" or response.content.endswith(b"\n")
    return response.content.splitlines()


async def exported(world: World, caller: dict[str, str], path: str, **more: Any) -> dict[str, list[str]]:
    """Return the ids of an export by type, each file checked against the manifest."""
    found: dict[str, list[str]] = {}
    for output in (await manifest(world, caller, await kick_off(world, caller, path, **more)))["output"]:
        lines = [json.loads(line) for line in await fetch(world, caller, output["url"])]
        assert len(lines) == output["count"]
        assert {line["resourceType"] for line in lines} == {output["type"]}
        found.setdefault(output["type"], []).extend(line["id"] for line in lines)
    return found


async def a_record(world: World, hospital: dict[str, str]) -> tuple[str, list[str]]:
    patient = (await world.post(hospital, a_patient()))["id"]
    made = [await world.post(hospital, an_observation(patient, status=status)) for status in ("final", "amended")]
    return patient, [one["id"] for one in made]


async def test_the_whole_hub_is_exported_as_it_is_stored(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    sent = (
        '{"resourceType":"Observation",\n "status":"final","code":{"text":"a\\nb"},'
        f'\r\n"subject":{{"reference":"Patient/{patient}"}},"valueQuantity":{{"value":6.30}}}}'
    )
    made = (await world.http.post("/fhir/Observation", headers=hospital, content=sent)).json()
    await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})

    answer = await manifest(world, hospital, await kick_off(world, hospital, "$export"))

    assert answer["requiresAccessToken"] is True
    assert answer["request"].endswith("/fhir/$export")
    assert answer["error"] == []
    urls = {one["type"]: one["url"] for one in answer["output"]}
    assert set(urls) == {"Patient", "Observation", "Practitioner"}
    (line,) = await fetch(world, hospital, urls["Observation"])
    stored = (await world.http.get(f"/fhir/Observation/{made['id']}", headers=hospital)).content
    assert line == stored.replace(b"\r", b" ").replace(b"\n", b" ")
    assert b"6.30" in line


async def test_the_levels_hold_what_they_name(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, of_one = await a_record(world, hospital)
    other, of_other = await a_record(world, hospital)
    await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": f"Patient/{one}"}}],
    }
    made = await world.post(hospital, group)
    named = {
        "resourceType": "Parameters",
        "parameter": [{"name": "patient", "valueReference": {"reference": f"Patient/{other}"}}],
    }

    patients = await exported(world, hospital, "Patient/$export")
    of_group = await exported(world, hospital, f"Group/{made['id']}/$export?_type=Patient,Observation")
    of_named = await exported(world, hospital, "Patient/$export", json=named)

    assert set(patients) == {"Patient", "Observation", "Group"}
    assert sorted(patients["Observation"]) == sorted([*of_one, *of_other])
    assert {kind: sorted(ids) for kind, ids in of_group.items()} == {"Patient": [one], "Observation": sorted(of_one)}
    assert {kind: sorted(ids) for kind, ids in of_named.items()} == {
        "Patient": [other],
        "Observation": sorted(of_other),
    }


async def test_a_person_with_two_patients_in_a_group_comes_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, _ = await a_record(world, hospital)
    other, _ = await a_record(world, hospital)
    await are_one_person(world, one, other)
    members = [{"entity": {"reference": f"Patient/{id_}"}} for id_ in (one, other)]
    made = await world.post(hospital, {"resourceType": "Group", "type": "person", "actual": True, "member": members})

    found = await exported(world, hospital, f"Group/{made['id']}/$export?_type=Observation")

    assert len(found["Observation"]) == len(set(found["Observation"])) == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("_type=Patient", {"Patient": 1}),
        ("_type=Observation&_typeFilter=Observation%3Fstatus%3Dfinal", {"Observation": 1}),
        (
            "_type=Observation,Patient&_typeFilter=Observation%3Fstatus%3Dfinal&_typeFilter=Observation%3Fstatus%3Damended",
            {"Observation": 2, "Patient": 1},
        ),
        ("_type=Observation&_since=2099-01-01T00:00:00Z", {}),
        ("_type=Observation&_since=2020-01-01T00:00:00Z&_typeFilter=Observation%3Fstatus%3Dfinal", {"Observation": 1}),
        ("_outputFormat=ndjson", {"Observation": 2, "Patient": 1}),
    ],
)
async def test_parameters_limit_what_is_exported(world: World, query: str, expected: dict[str, int]) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)

    found = await exported(world, hospital, f"$export?{query}")

    assert {kind: len(ids) for kind, ids in found.items()} == expected


async def test_filters_find_everything_however_much_it_is(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "KEYS", 1)
    hospital = await world.client("hospital-a")
    patient, made = await a_record(world, hospital)
    await a_record(world, hospital)
    medicines = [await world.post(hospital, {"resourceType": "Medication", "status": "active"}) for _ in range(2)]
    filters = "_typeFilter=Observation%3Fstatus%3Dfinal,amended&_typeFilter=Medication%3Fstatus%3Dactive"
    text = f"_type=Observation,Medication&{filters}"

    whole = await exported(world, hospital, f"$export?{text}")
    of_patients = await exported(world, hospital, f"Patient/$export?{text}")
    of_one = await exported(
        world,
        hospital,
        f"Patient/$export?patient=Patient/{patient}&_type=Observation&_typeFilter=Observation%3Fstatus%3Dfinal,amended",
    )

    assert {kind: len(ids) for kind, ids in whole.items()} == {"Observation": 4, "Medication": len(medicines)}
    assert {kind: len(ids) for kind, ids in of_patients.items()} == {"Observation": 4}
    assert of_one == {"Observation": made}


async def test_elements_are_left_out_and_what_is_left_is_marked(world: World) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)

    answer = await manifest(
        world, hospital, await kick_off(world, hospital, "$export?_type=Observation&_elements=Observation.value")
    )
    line = (await fetch(world, hospital, answer["output"][0]["url"]))[0]

    assert set(json.loads(line)) == {"resourceType", "id", "meta", "status", "code", "valueQuantity"}
    assert json.loads(line)["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("$export", {}, 400),
        ("Observation/$export", ASYNC, 404),
        ("Group/never/$export", ASYNC, 404),
        ("Patient/$export?patient=Patient/never", ASYNC, 404),
        ("$export?patient=Patient/never", ASYNC, 400),
        ("$export?_type=Nothing", ASYNC, 400),
        ("$export?_since=yesterday", ASYNC, 400),
        ("$export?_outputFormat=text/csv", ASYNC, 406),
        ("$export?_typeFilter=Observation%3Funknown%3D1", ASYNC, 400),
        ("$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal", ASYNC, 400),
        ("$export?_typeFilter=Observation%3F_include%3D*", ASYNC, 400),
        ("$export?_elements=a.b.c", ASYNC, 400),
        ("$export?organizeOutputBy=Encounter", ASYNC, 400),
        ("$export?organizeOutputBy=Encounter", {"Prefer": "respond-async, handling=lenient"}, 202),
        ("$export?includeAssociatedData=LatestProvenanceResources", ASYNC, 400),
        ("$export?includeAssociatedData=LatestProvenanceResources", {"Prefer": "respond-async,handling=lenient"}, 202),
        ("$export?_until=2030-01-01", {"Prefer": "respond-async, handling=lenient"}, 400),
        (
            "$export?_type=Medication&_typeFilter=Medication%3Fstatus%3Dactive&organizeOutputBy=Patient",
            ASYNC,
            400,
        ),
        ("$export?unknown=1", ASYNC, 400),
    ],
)
async def test_what_cannot_be_exported_is_refused(
    world: World, path: str, headers: dict[str, str], status: int
) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/{path}", headers=hospital | headers)

    assert response.status_code == status, response.text


async def test_another_client_sees_neither_status_nor_files(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    await a_record(world, hospital)
    status = await kick_off(world, hospital, "$export")
    answer = await manifest(world, hospital, status)
    url = answer["output"][0]["url"]

    answers = [
        (await world.http.request(method, address, headers=other)).status_code
        for method, address in (("GET", status), ("GET", url), ("DELETE", status))
    ]

    assert answers == [404, 404, 404]
    assert await fetch(world, hospital, url) != []


async def test_an_export_holds_what_consents_disclose_and_a_file_what_they_still_do(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, _ = await a_record(world, hospital)
    await a_record(world, hospital)
    nothing = await exported(world, clinic, "$export")
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))

    answer = await manifest(world, clinic, await kick_off(world, clinic, "$export"))
    urls = {one["type"]: one["url"] for one in answer["output"]}
    before = await fetch(world, clinic, urls["Observation"])
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"})
    after = await fetch(world, clinic, urls["Observation"])

    assert nothing == {}
    assert (len(before), after) == (2, [])


async def test_a_file_holds_the_versions_of_its_time_but_nothing_deleted(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, (changed, gone) = await a_record(world, hospital)
    answer = await manifest(world, hospital, await kick_off(world, hospital, "$export?_type=Observation"))
    await world.http.put(
        f"/fhir/Observation/{changed}", headers=hospital, json={**an_observation(patient), "id": changed}
    )
    await world.http.delete(f"/fhir/Observation/{gone}", headers=hospital)

    lines = [json.loads(line) for line in await fetch(world, hospital, answer["output"][0]["url"])]

    assert [(one["id"], one["meta"]["versionId"]) for one in lines] == [(changed, "1")]


async def test_what_a_file_discloses_is_on_record_patient_by_patient(world: World) -> None:
    hospital = await world.client("hospital-a")
    patients = [(await a_record(world, hospital))[0] for _ in range(2)]
    answer = await manifest(world, hospital, await kick_off(world, hospital, "$export?_type=Observation"))

    await fetch(world, hospital, answer["output"][0]["url"])

    told = [event for event in await recorded(world) if "$export-file" in str(event.path)]
    assert {event.patient for event in told} == {f"Patient/{one}" for one in patients}
    assert sum(len(event.entities) for event in told) == 4


async def test_an_export_that_is_called_off_is_gone_with_its_blobs(world: World) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)
    status = await kick_off(world, hospital, "$export")
    answer = await manifest(world, hospital, status)

    gone = await world.http.delete(status, headers=hospital)

    assert gone.status_code == 202
    after = [await world.http.get(url, headers=hospital) for url in (status, answer["output"][0]["url"])]
    assert [one.status_code for one in after] == [404, 404]
    assert await counts(world) == [0, 0, 0]


async def counts(world: World) -> list[int]:
    """Return how many exports, files and blobs there are."""
    return [
        (await world.hub.database.reader.fetch(select(func.count()).select_from(table), {}))[0][0]
        for table in (export_job, file_table, blob)
    ]


async def test_an_export_expires(world: World) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)
    status = await kick_off(world, hospital, "$export")
    await manifest(world, hospital, status)
    now = world.hub.clock

    world.hub.clock = lambda: now() + 25 * HOUR
    expired = await world.http.get(status, headers=hospital)
    await run.run_waiting(world.hub)

    assert expired.status_code == 404
    assert await counts(world) == [0, 0, 0]


async def test_an_export_goes_on_where_it_was_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    for _ in range(3):
        await a_record(world, hospital)
    monkeypatch.setattr(making, "FILE_PLACES", 1)
    monkeypatch.setattr(making, "KEYS", 2)
    keep, kept, failed = world.hub.blobs.keep, [], asyncio.Event()

    async def failing(custodian: int, incoming: Any) -> str:
        if len(kept) == 2:
            failed.set()
            raise OSError("The disk is full")
        kept.append(custodian)
        return await keep(custodian, incoming)

    monkeypatch.setattr(world.hub.blobs, "keep", failing)
    status = await kick_off(world, hospital, "$export?_type=Observation,Patient")
    async with asyncio.timeout(10):
        await failed.wait()
    waiting = await world.http.get(status, headers=hospital)
    monkeypatch.setattr(world.hub.blobs, "keep", keep)
    now = world.hub.clock
    world.hub.clock = lambda: now() + 2 * LASTS

    await run.run_waiting(world.hub)

    assert waiting.status_code == 202
    answer = await manifest(world, hospital, status)
    ids = [json.loads(line)["id"] for one in answer["output"] for line in await fetch(world, hospital, one["url"])]
    assert len(answer["output"]) > 3
    assert len(ids) == len(set(ids)) == 9


async def test_a_client_has_few_exports_under_way_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_: Any) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(run, "run_waiting", nothing)
    hospital = await world.client("hospital-a")

    answers = [await world.http.get("/fhir/$export", headers=hospital | ASYNC) for _ in range(5)]

    assert [one.status_code for one in answers] == [202, 202, 202, 202, 429]


async def test_a_client_that_was_disabled_gets_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)
    real = run.run_waiting
    monkeypatch.setattr(run, "run_waiting", lambda _: asyncio.sleep(0))
    await kick_off(world, hospital, "$export")
    async with world.hub.database.write() as connection:
        await connection.execute(client_table.update().values(disabled=1), {})

    await real(world.hub)

    assert (await counts(world))[1:] == [0, 0]


async def test_a_person_does_not_export(world: World) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)
    secret = await a_session(world, "hospital-a", "doctor")

    response = await world.http.get("/fhir/$export", headers=ASYNC | {"Cookie": f"{COOKIE}={secret}"})

    assert response.status_code == 403


async def test_a_large_file_is_read_piece_by_piece(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_file, "PLACES", 1)
    hospital = await world.client("hospital-a")
    made = [(await a_record(world, hospital))[1] for _ in range(2)]

    found = await exported(world, hospital, "$export?_type=Observation")

    assert found["Observation"] == [id_ for ids in made for id_ in ids]


async def test_a_file_is_not_for_who_takes_no_ndjson(world: World) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)
    answer = await manifest(world, hospital, await kick_off(world, hospital, "$export"))

    response: httpx.Response = await world.http.get(
        answer["output"][0]["url"], headers=hospital | {"Accept": "text/csv"}
    )

    assert response.status_code == 406


async def test_what_several_filters_find_is_listed_once_in_all_files(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "KEYS", 2)
    monkeypatch.setattr(making, "FILE_PLACES", 1)
    hospital = await world.client("hospital-a")
    records = [await a_record(world, hospital) for _ in range(3)]
    every = sorted(id_ for _, made in records for id_ in made)
    filters = "&".join(
        f"_typeFilter=Observation%3F{query}" for query in ("status%3Dfinal", "code%3D4548-4", "status%3Dfinal,amended")
    )

    whole = await exported(world, hospital, f"$export?_type=Observation&{filters}")
    named = ",".join(f"Patient/{patient}" for patient, _ in records)
    of_named = await exported(world, hospital, f"Patient/$export?patient={named}&_type=Observation&{filters}")

    assert sorted(whole["Observation"]) == every
    assert sorted(of_named["Observation"]) == every


async def blocks(world: World, caller: dict[str, str], path: str) -> tuple[list[dict[str, Any]], list[list[str]]]:
    """Return the manifest's files of an export organised by Patient, and each block: its header, then its resources."""
    answer = await manifest(world, caller, await kick_off(world, caller, path))
    assert answer["outputOrganizedBy"] == "Patient"
    found: list[list[str]] = []
    for output in answer["output"]:
        lines = [json.loads(line) for line in await fetch(world, caller, output["url"])]
        assert lines[0]["resourceType"] == "Parameters"
        assert len(lines) == output["count"]
        for line in lines:
            if line["resourceType"] == "Parameters":
                ((header),) = line["parameter"]
                assert header["name"] == "header"
                found.append([header["valueReference"]["reference"]])
            else:
                found[-1].append(f"{line['resourceType']}/{line['id']}")
    return answer["output"], found


@pytest.mark.parametrize("level", ["$export", "Patient/$export", "Group/{group}/$export"])
async def test_an_export_organised_by_patient_has_a_block_for_each(world: World, level: str) -> None:
    hospital = await world.client("hospital-a")
    records = [await a_record(world, hospital) for _ in range(2)]
    await are_one_person(world, *(patient for patient, _ in records))
    await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    members = [{"entity": {"reference": f"Patient/{patient}"}} for patient, _ in records]
    group = await world.post(hospital, {"resourceType": "Group", "type": "person", "actual": True, "member": members})
    path = level.format(group=group["id"])

    files, found = await blocks(world, hospital, f"{path}?_type=Patient,Observation&organizeOutputBy=Patient")

    assert [set(one) for one in files] == [{"url", "count"}]
    assert sorted((one[0], one[1], sorted(one[2:])) for one in found) == sorted(
        (f"Patient/{patient}", f"Patient/{patient}", sorted(f"Observation/{id_}" for id_ in made))
        for patient, made in records
    )


async def test_a_block_goes_on_in_the_next_file_under_its_header(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "KEYS", 1)
    monkeypatch.setattr(making, "FILE_PLACES", 2)
    hospital = await world.client("hospital-a")
    patient, made = await a_record(world, hospital)
    query = "_type=Patient,Observation&organizeOutputBy=Patient"

    files, found = await blocks(world, hospital, f"$export?{query}")

    assert len(files) == len(found) > 1
    assert [one.get("continuesInFile") for one in files] == [*(one["url"] for one in files[1:]), None]
    assert {one[0] for one in found} == {f"Patient/{patient}"}
    resources = [one for block in found for one in block[1:]]
    assert sorted(resources) == sorted([f"Patient/{patient}", *(f"Observation/{id_}" for id_ in made)])


async def test_blocks_are_filtered_as_types_are(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, (final, _) = await a_record(world, hospital)
    await world.post(hospital, a_patient())
    query = "_type=Observation&_typeFilter=Observation%3Fstatus%3Dfinal&organizeOutputBy=Patient"

    _, found = await blocks(world, hospital, f"Patient/$export?{query}")

    assert found == [[f"Patient/{patient}", f"Observation/{final}"]]


async def test_a_header_tells_of_no_patient_that_is_hidden_by_now(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, _ = await a_record(world, hospital)
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    query = "_type=Patient,Observation&organizeOutputBy=Patient"
    answer = await manifest(world, clinic, await kick_off(world, clinic, f"$export?{query}"))
    (url,) = [one["url"] for one in answer["output"]]
    before = await fetch(world, clinic, url)

    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"})

    assert len(before) == 4
    assert await fetch(world, clinic, url) == []


async def test_a_consent_that_is_withdrawn_while_an_export_is_made_ready_counts_for_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "KEYS", 1)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, _ = await a_record(world, hospital)
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    hold, held = making.Making.hold, []

    def withdrawn_meanwhile(self: making.Making, keys: Any, type_name: str | None = None) -> None:
        held.extend(keys)
        if keys and not asyncio.all_tasks() & {task for task in asyncio.all_tasks() if task.get_name() == "withdraw"}:
            withdrawal = {**consent, "status": "inactive"}
            put = world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=withdrawal)
            waiting.append(asyncio.create_task(put, name="withdraw"))
        hold(self, keys, type_name)

    waiting: list[asyncio.Task[httpx.Response]] = []
    real = making.Making.request

    async def once_withdrawn(self: making.Making) -> Any:
        if waiting:
            await asyncio.gather(*waiting)
        return await real(self)

    monkeypatch.setattr(making.Making, "hold", withdrawn_meanwhile)
    monkeypatch.setattr(making.Making, "request", once_withdrawn)
    answer = await manifest(world, clinic, await kick_off(world, clinic, "$export?_type=Observation,Patient"))

    assert len(held) == 1
    assert sum(one["count"] for one in answer["output"]) == 1
    assert [await fetch(world, clinic, one["url"]) for one in answer["output"]] == [[]]


@pytest.mark.parametrize(
    ("position", "step", "place"),
    [
        ("", 0, []),
        ("[3,0,0,0]", 3, []),
        ("[3,17,4,0]", 3, [17, 4]),
        ('{"step":3,"place":[1,2,5]}', 3, [1, 2, 5]),
    ],
)
def test_an_export_goes_on_from_what_an_older_release_wrote(position: str, step: int, place: list[int]) -> None:
    assert making._place(position) == (step, place)
