"""`$import` writes lines as a site's own system would, once each, and says which it could not."""

import asyncio
import gc
import gzip
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from app.access import directory
from app.clock import now
from app.records.bulk_import import queue, run
from app.records.bulk_import.job import IMPORTS, Input, Wanted, position_of
from app.records.bulk_import.run import Importing
from app.records.bulk_import.tables import import_fault, import_id, import_job
from app.records.jobs.job import DONE, NEVER, Job, new_id
from app.records.jobs.run import Lost, take
from tests.app.records.test_export import fetch, kick_off, manifest
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def folder(tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of imports of the hub."""
    made = tmp_path / "imports"
    made.mkdir()
    settings = world.hub.settings.model_copy(update={"import_folder": made})
    monkeypatch.setattr(world.hub, "settings", settings)
    return made


def put(folder: Path, name: str, *resources: dict[str, Any] | bytes) -> str:
    """Write a file of NDJSON and return its name."""
    lines = [one if isinstance(one, bytes) else json.dumps(one, ensure_ascii=False).encode() for one in resources]
    text = b"\n".join(lines) + b"\n"
    (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    return name


def asked(*names: str, site: str = "hospital-a", **parts: str) -> dict[str, Any]:
    inputs = [{"name": "input", "part": [{"name": "url", "valueUrl": name}]} for name in names]
    for name, value in parts.items():
        inputs[0]["part"].append({"name": name, "valueCode": value})  # type: ignore[attr-defined]
    of_site = {"name": "custodian", "valueReference": {"reference": f"Organization/{site}"}}
    return {"resourceType": "Parameters", "parameter": [of_site, *inputs]}


async def an_operator(world: World) -> dict[str, str]:
    return await world.client("secretariat", role="operator")


async def ask(world: World, caller: dict[str, str], body: dict[str, Any]) -> httpx.Response:
    return await world.http.post("/fhir/$import", headers=caller | ASYNC, json=body)


async def imported(world: World, caller: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
    """Carry an import out and return its manifest."""
    response = await ask(world, caller, body)
    assert response.status_code == 202, response.text
    return await manifest(world, caller, response.headers["content-location"].removeprefix(world.hub.settings.address))


def counts(answer: dict[str, Any]) -> list[tuple[int, int, int]]:
    """Return how many resources of each file were created, updated and left as they were."""
    return [
        (one["created"], one["updated"], one["unchanged"]) for one in (out["extension"] for out in answer["output"])
    ]


async def faults(world: World, caller: dict[str, str], answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return code, expression and diagnostics of each fault."""
    found = []
    for error in answer["error"]:
        for line in await fetch(world, caller, error["url"]):
            (issue,) = json.loads(line)["issue"]
            found.append((issue["code"], issue.get("expression", [""])[0], issue["diagnostics"]))
    return found


async def search(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    bundle = (await world.http.get(f"/fhir/{query}", headers=caller)).json()
    return [one["resource"] for one in bundle.get("entry", ())]


A_RECORD: Sequence[dict[str, Any]] = (
    # What refers comes before what it refers to.
    an_observation("p1", id="o1", encounter={"reference": "Encounter/e1"}),
    {
        "resourceType": "Encounter",
        "id": "e1",
        "status": "finished",
        "class": {"code": "AMB"},
        "subject": {"reference": "Patient/p1"},
    },
    a_patient(id="p1"),
    {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "subject": {"reference": "Patient/p1"},
        "content": [{"attachment": {"url": "Binary/b1"}}],
    },
    {
        "resourceType": "Binary",
        "id": "b1",
        "contentType": "text/plain",
        "data": "eA==",
        "securityContext": {"reference": "DocumentReference/d1"},
    },
)


async def test_lines_get_ids_and_refer_to_each_other(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    name = put(folder, "all.ndjson.gz", *A_RECORD)

    answer = await imported(world, operator, asked(name))

    assert counts(answer) == [(5, 0, 0)]
    assert (answer["error"], answer["output"][0]["count"]) == ([], 5)
    (patient,), (observation,), (encounter,), (document,) = [
        await search(world, hospital, kind) for kind in ("Patient", "Observation", "Encounter", "DocumentReference")
    ]
    assert patient["id"] != "p1"
    assert observation["subject"]["reference"] == encounter["subject"]["reference"] == f"Patient/{patient['id']}"
    assert observation["encounter"]["reference"] == f"Encounter/{encounter['id']}"
    binary = document["content"][0]["attachment"]["url"]
    raw = await world.http.get(f"/fhir/{binary}", headers=hospital | {"Accept": "application/fhir+json"})
    assert raw.json()["securityContext"]["reference"] == f"DocumentReference/{document['id']}"
    original = await world.http.get(f"/fhir/DocumentReference/{document['id']}/$original", headers=hospital)
    assert original.json() == A_RECORD[3]


async def test_an_import_done_again_writes_only_what_is_new(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    name = put(folder, "all.ndjson", *A_RECORD)
    await imported(world, operator, asked(name))
    before = await search(world, hospital, "Observation")

    again = await imported(world, operator, asked(name))
    put(folder, name, *A_RECORD[1:], {**A_RECORD[0], "status": "amended"}, an_observation("p1", id="o2"))
    changed = await imported(world, operator, asked(name))

    assert counts(again) == [(0, 0, 5)]
    assert counts(changed) == [(1, 1, 4)]
    after = await search(world, hospital, "Observation?status=amended")
    assert [(one["id"], one["meta"]["versionId"]) for one in after] == [(before[0]["id"], "2")]


async def test_what_is_imported_later_is_referred_to_by_what_was_before(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    observation, encounter, patient, document, binary = A_RECORD
    put(folder, "first.ndjson", observation, patient, document)
    put(folder, "later.ndjson", encounter, binary)

    answers = [
        await imported(world, operator, asked(name)) for name in ("first.ndjson", "later.ndjson", "first.ndjson")
    ]

    assert [counts(one) for one in answers] == [[(3, 0, 0)], [(2, 0, 0)], [(0, 2, 1)]]
    (found,), (stay,) = await search(world, hospital, "Observation"), await search(world, hospital, "Encounter")
    assert found["encounter"]["reference"] == f"Encounter/{stay['id']}"
    (filed,) = await search(world, hospital, "DocumentReference")
    address = filed["content"][0]["attachment"]["url"]
    assert (await world.http.get(f"/fhir/{address}", headers=hospital)).status_code == 200


async def test_sources_with_the_same_ids_are_told_apart(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    name = put(folder, "all.ndjson", a_patient(id="p1"))
    body = asked(name)
    other = {**body, "parameter": [*body["parameter"], {"name": "inputSource", "valueUri": "http://lab.example"}]}

    answers = [await imported(world, operator, one) for one in (body, other)]

    assert [counts(one) for one in answers] == [[(1, 0, 0)], [(1, 0, 0)]]
    assert await world.total(hospital, "Patient?_summary=count") == 2


async def test_ids_stay_where_the_site_may_choose_them(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    name = put(folder, "all.ndjson", an_observation("hospital-a-1", id="hospital-a-2"), a_patient(id="hospital-a-1"))

    await imported(world, operator, asked(name))
    again = await imported(world, operator, asked(name))

    (observation,) = await search(world, hospital, "Observation")
    assert (observation["id"], observation["subject"]["reference"]) == ("hospital-a-2", "Patient/hospital-a-1")
    assert counts(again) == [(0, 0, 2)]
    assert (await world.hub.database.reader.fetch(select(func.count()).select_from(import_id), {}))[0][0] == 0


async def test_lines_that_cannot_be_written_are_reported_and_hinder_no_other(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    stranger = await world.client("hospital-b")
    theirs = await world.post(stranger, a_patient())
    settings = world.hub.settings.model_copy(update={"resource_bytes": 5_000, "bundle_bytes": 6_000})
    world.hub.settings = settings
    name = put(
        folder,
        "all.ndjson",
        a_patient(id="p1"),
        b"{not json",
        a_patient(),
        {"resourceType": "Nothing", "id": "1"},
        b"",
        a_patient(id="p2", colour="red"),
        an_observation("p1", id="o1", status="never", valueQuantity={"value": "x"}),
        an_observation("p3", id="o2"),
        an_observation(theirs["id"], id="o3"),
        a_patient(id="p4", name=[{"text": "x" * 5_500}]),
        a_patient(id="p5", name=[{"text": "x" * 50_000}]),
        a_patient(id="p6", meta={"tag": [{"system": SUBSETTED, "code": "SUBSETTED"}]}),
        an_observation("p1", id="o4"),
    )

    answer = await imported(world, operator, asked(name))

    assert counts(answer) == [(2, 0, 0)]
    assert answer["error"][0]["count"] == 10
    found = sorted(await faults(world, operator, answer), key=lambda one: int(one[2].split("line ")[1].split(":")[0]))
    assert [(code, expression, text.partition(":")[0]) for code, expression, text in found] == [
        ("structure", "", "all.ndjson, line 2"),
        ("invalid", "Patient.id", "all.ndjson, line 3"),
        ("invalid", "resourceType", "all.ndjson, line 4"),
        ("structure", "Patient.colour", "all.ndjson, line 6"),
        ("code-invalid", "Observation.status", "all.ndjson, line 7"),
        ("structure", "Observation.valueQuantity.value", "all.ndjson, line 7"),
        ("not-found", "Observation", "all.ndjson, line 8"),
        ("not-found", "Observation", "all.ndjson, line 9"),
        ("invalid", "", "all.ndjson, line 10"),
        ("invalid", "", "all.ndjson, line 11"),
        ("processing", "Patient.meta.tag", "all.ndjson, line 12"),
    ]
    # Another site's patient and none at all are told of alike.
    assert found[6][2].replace("Patient/p3", "") == found[7][2].replace(f"Patient/{theirs['id']}", "").replace("9", "8")
    assert await world.total(hospital, "Observation?_summary=count") == 1


SUBSETTED = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"


async def test_files_that_are_damaged_are_reported_where_they_end(world: World, folder: Path) -> None:
    operator = await an_operator(world)
    whole = gzip.compress(b"".join(json.dumps(a_patient(id=f"p{n}")).encode() + b"\n" for n in range(400)), 0)
    (folder / "cut.ndjson.gz").write_bytes(whole[: len(whole) // 2])
    put(folder, "other.ndjson", a_patient(id="q"))

    answer = await imported(world, operator, asked("cut.ndjson.gz", "other.ndjson"))

    (first, second), (fault,) = counts(answer), await faults(world, operator, answer)
    assert 100 < first[0] < 300
    assert second == (1, 0, 0)
    assert (fault[0], fault[2].partition(":")[0]) == ("incomplete", f"cut.ndjson.gz, line {first[0] + 1}")


async def test_a_file_holds_the_type_it_is_said_to_hold(world: World, folder: Path) -> None:
    operator = await an_operator(world)
    name = put(folder, "patients.ndjson", a_patient(id="p1"), an_observation("p1", id="o1"))

    answer = await imported(world, operator, asked(name, type="Patient"))

    assert counts(answer) == [(1, 0, 0)]
    assert answer["output"][0]["type"] == "Patient"
    assert await faults(world, operator, answer) == [
        ("invalid", "resourceType", "patients.ndjson, line 2: The file is of Patient")
    ]


async def test_consents_compile_and_every_patient_is_on_record(world: World, folder: Path) -> None:
    operator, clinic = await an_operator(world), await world.client("clinic-c")
    name = put(
        folder,
        "all.ndjson",
        {**a_consent("p1", "clinic-c"), "id": "c1"},
        a_patient(id="p1"),
        an_observation("p1", id="o1"),
    )
    before = len(await recorded(world))

    await imported(world, operator, asked(name))

    (patient,) = await search(world, clinic, "Patient")
    assert len(await search(world, clinic, "Observation")) == 1
    events = [one for one in (await recorded(world))[before:] if one.patient and one.action == "C"]
    assert {one.patient for one in events} == {f"Patient/{patient['id']}"}
    assert {one.organisation for one in events} == {"Organization/hospital-a"}
    assert {(one.client, one.user_name, one.path) for one in events} == {
        ("secretariat-operator", "secretariat-operator", "/fhir/$import")
    }
    assert sum(len(one.entities) for one in events) == 3


async def test_what_was_exported_is_imported_into_another_site(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    other = await world.client("hospital-b")
    patient = (await world.post(hospital, a_patient()))["id"]
    sent = '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":6.30}'
    sent += f',"subject":{{"reference":"Patient/{patient}"}}}}'
    await world.http.post("/fhir/Observation", headers=hospital, content=sent)
    exported = await manifest(world, hospital, await kick_off(world, hospital, "$export"))
    for output in exported["output"]:
        put(folder, f"{output['type']}.ndjson", *await fetch(world, hospital, output["url"]))
    names = [f"{output['type']}.ndjson" for output in exported["output"]]

    answer = await imported(world, operator, asked(*names, site="hospital-b"))

    assert sorted(counts(answer)) == [(1, 0, 0), (1, 0, 0)]
    (found,) = await search(world, other, "Observation")
    (theirs,) = await search(world, other, "Patient")
    assert found["subject"]["reference"] == f"Patient/{theirs['id']}" != f"Patient/{patient}"
    raw = await world.http.get(f"/fhir/Observation/{found['id']}", headers=other)
    assert b"6.30" in raw.content


@pytest.mark.parametrize("role", ["system", "doctor", "secretariat", "auditor"])
async def test_only_the_operators_systems_import(world: World, folder: Path, role: str) -> None:
    operator, other = await an_operator(world), await world.client("hospital-a", role=role)
    name = put(folder, "all.ndjson", a_patient(id="p1"))
    begun = await ask(world, operator, asked(name))
    status = begun.headers["content-location"].removeprefix(world.hub.settings.address)

    answers = [
        await ask(world, other, asked(name)),
        await world.http.get(status, headers=other),
        await world.http.delete(status, headers=other),
    ]

    assert [one.status_code for one in answers] == [403, 404, 404]


@pytest.mark.parametrize(
    ("change", "headers", "status", "expression"),
    [
        ({}, {}, 400, "Prefer"),
        ({"input": "../secret.ndjson"}, ASYNC, 400, "input.url"),
        ({"input": "/etc/passwd"}, ASYNC, 400, "input.url"),
        ({"input": "linked.ndjson"}, ASYNC, 400, "input.url"),
        ({"input": "linked/secret.ndjson"}, ASYNC, 400, "input.url"),
        ({"input": "none.ndjson"}, ASYNC, 400, "input.url"),
        ({"input": "a\0b"}, ASYNC, 400, None),
        ({"input": "x" * 5_000}, ASYNC, 400, "input.url"),
        ({"input": "https://example.org/all.ndjson"}, ASYNC, 400, "input.url"),
        ({"site": "nowhere"}, ASYNC, 400, "custodian"),
        ({"more": {"name": "inputFormat", "valueCode": "text/csv"}}, ASYNC, 400, "inputFormat"),
        ({"more": {"name": "mode", "valueCode": "Overwrite"}}, ASYNC, 400, "mode"),
        ({"more": {"name": "storageDetail", "valueCode": "x"}}, ASYNC, 400, "Parameters.parameter[2]"),
        ({"more": {"name": "input", "part": [{"name": "type", "valueCode": "Patient"}]}}, ASYNC, 400, None),
    ],
)
async def test_what_cannot_be_imported_is_refused(
    world: World, folder: Path, change: dict[str, Any], headers: dict[str, str], status: int, expression: str | None
) -> None:
    operator = await an_operator(world)
    put(folder, "all.ndjson", a_patient(id="p1"))
    put(folder.parent, "secret.ndjson", a_patient(id="p1"))
    (folder / "linked.ndjson").symlink_to(folder.parent / "secret.ndjson")
    (folder / "linked").symlink_to(folder.parent)
    body = asked(change.get("input", "all.ndjson"), site=change.get("site", "hospital-a"))
    body["parameter"] += [change["more"]] if "more" in change else []

    answer = await world.http.post("/fhir/$import", headers=operator | headers, json=body)

    assert answer.status_code == status, answer.text
    if expression:
        assert answer.json()["issue"][0]["expression"] == [expression]


async def test_without_a_folder_nothing_is_imported(world: World) -> None:
    operator = await an_operator(world)

    answer = await ask(world, operator, asked("all.ndjson"))

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "not-supported")


async def _waiting(world: World, *names: str) -> tuple[str, str]:
    """Put an import in the queue without carrying it out; return its id and client."""
    folder = world.hub.settings.import_folder
    assert folder is not None
    inputs = tuple(Input("", name, str(folder / name)) for name in names)
    async with world.hub.database.write() as connection:
        site = await directory.find_organisation(connection, "hospital-a")
    id_, client, wanted = new_id(), "secretariat-operator", Wanted(inputs, site.key, "", "x")
    await IMPORTS.add(world.hub.database, Job(id_, client, "TREAT", wanted.text(), "", world.hub.clock(), NEVER))
    return id_, client


async def found_job(world: World, id_: str, client: str) -> Job | None:
    return await IMPORTS.find(world.hub.database.reader, id_, client, world.hub.clock())


async def test_the_imports_of_all_systems_are_bounded_together(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    one, other = await an_operator(world), await world.client("hospital-b", role="operator")
    name = put(folder, "all.ndjson", a_patient(id="p1"))

    answers = [await ask(world, caller, asked(name)) for caller in (one, other, one, other, other)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 202, 429]
    assert answers[-1].json()["issue"][0]["diagnostics"].startswith("4 imports are under way")


async def test_an_import_of_the_command_line_is_its_own_and_in_nobodys_way(world: World, folder: Path) -> None:
    operator = await an_operator(world)
    name = put(folder, "all.ndjson", a_patient(id="p1"))
    for number in range(5):
        wanted = Wanted((Input("", name, str(folder / name)),), 1, "", "x")
        of_command = Job(f"{number}", "", "", wanted.text(), "renkei import", world.hub.clock(), NEVER)
        await IMPORTS.add(world.hub.database, of_command)

    taken = await IMPORTS.take(world.hub.database, world.hub.clock())
    answer = await imported(world, operator, asked(name))

    assert taken is None
    assert counts(answer) == [(1, 0, 0)]


async def test_an_import_lasts_while_it_is_under_way_and_a_day_after(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = queue.run_waiting
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    id_, client = await _waiting(world, put(folder, "all.ndjson", a_patient(id="p1")))
    day = 86_400_000_000
    states: list[int | None] = []

    for days in (30, 30.5, 32):
        monkeypatch.setattr(world.hub, "clock", lambda later=int(days * day): now() + later)
        await carry_out(world.hub)
        job = await found_job(world, id_, client)
        states.append(job and job.state)

    assert states == [DONE, DONE, None]


async def test_an_import_goes_on_where_it_was_interrupted(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(run, "BATCH_LINES", 10)
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    lines = [an_observation("p1", id=f"o{number}") for number in range(55)]
    lines[7]["status"] = "never"
    name = put(folder, "all.ndjson", *lines, a_patient(id="p1"))
    id_, client = await _waiting(world, name)
    steps, rounds, stops = 0, 0, 0

    def stopped() -> bool:
        nonlocal steps
        steps += 1
        return steps % 3 == 0

    finished = False
    while not finished:
        job = await found_job(world, id_, client)
        assert job is not None
        held = await take(world.hub, IMPORTS, job)
        assert held is not None
        finished = await Importing(held, stopped=stopped).run()
        rounds += 1
        stops += not finished

    job = await found_job(world, id_, client)
    assert job is not None
    (count,) = position_of(job).counts
    assert stops > 3
    assert (count.created, count.updated, count.unchanged, count.faulty, position_of(job).faults) == (55, 0, 0, 1, 1)
    assert await world.total(hospital, "Observation?_summary=count") == 54
    assert {one["meta"]["versionId"] for one in await search(world, hospital, "Observation?_count=100")} == {"1"}


async def test_a_crash_loses_no_line_and_writes_none_twice(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(run, "BATCH_LINES", 4)
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    lines = [an_observation("p1", id=f"o{number}") for number in range(20)]
    lines[5]["status"], lines[9]["subject"] = "never", {"reference": "Patient/p9"}
    name = put(folder, "all.ndjson", *lines, a_patient(id="p1"))
    id_, client = await _waiting(world, name)
    advance, calls = Importing._advance, 0

    async def crashing(self: Importing, *how: Any) -> None:
        nonlocal calls
        calls += 1
        await advance(self, *how)
        if calls % 3 == 0:
            raise RuntimeError("the machine is gone")

    monkeypatch.setattr(Importing, "_advance", crashing)
    minutes, finished, crashes = 0, False, 0
    while not finished:
        minutes += 2
        # A minute after the crash another process takes the import.
        monkeypatch.setattr(world.hub, "clock", lambda later=minutes * 60_000_000: now() + later)
        job = await found_job(world, id_, client)
        assert job is not None
        held = await take(world.hub, IMPORTS, job)
        assert held is not None
        try:
            finished = await Importing(held).run()
        except RuntimeError:
            crashes += 1

    job = await found_job(world, id_, client)
    assert job is not None
    (count,) = position_of(job).counts
    assert crashes > 3
    assert (count.created, count.updated, count.unchanged, count.faulty, position_of(job).faults) == (19, 0, 0, 2, 2)
    found = await search(world, hospital, "Observation?_count=100")
    assert len(found) == 18
    assert {one["meta"]["versionId"] for one in found} == {"1"}


async def test_a_file_that_has_left_the_folder_is_not_read(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    (folder / "in").mkdir()
    (folder.parent / "out").mkdir()
    name = put(folder, "in/all.ndjson", a_patient(id="p1"))
    id_, client = await _waiting(world, name)
    put(folder.parent, "out/all.ndjson", a_patient(id="p2"))
    (folder / "in" / "all.ndjson").unlink()
    (folder / "in").rmdir()
    (folder / "in").symlink_to(folder.parent / "out")
    job = await found_job(world, id_, client)
    assert job is not None
    held = await take(world.hub, IMPORTS, job)
    assert held is not None
    importing = Importing(held)

    finished = await importing.run()

    assert finished
    assert (importing.at.counts[0].created, importing.at.counts[0].faulty) == (0, 1)


async def test_an_import_that_is_called_off_stops(world: World, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = await an_operator(world)
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    name = put(folder, "all.ndjson", a_patient(id="p1"))
    id_, client = await _waiting(world, name)
    job = await found_job(world, id_, client)
    assert job is not None
    held = await take(world.hub, IMPORTS, job)
    assert held is not None
    taken_twice = await take(world.hub, IMPORTS, job)

    under_way = await world.http.get(f"/fhir/$import-status/{id_}", headers=operator)
    removed = await world.http.delete(f"/fhir/$import-status/{id_}", headers=operator)
    with pytest.raises(Lost):
        await Importing(held).run()

    assert taken_twice is None
    assert (under_way.status_code, under_way.headers["x-progress"]) == (202, "pass 1 of 4, file 1 of 1, line 0")
    assert removed.status_code == 202
    for table in (import_job, import_fault):
        assert (await world.hub.database.reader.fetch(select(func.count()).select_from(table), {}))[0][0] == 0


async def test_a_resource_that_is_there_twice_becomes_two_versions(world: World, folder: Path) -> None:
    operator, hospital = await an_operator(world), await world.client("hospital-a")
    name = put(folder, "all.ndjson", a_patient(id="p1"), a_patient(id="p1", gender="female"), a_patient(id="p2"))

    answer = await imported(world, operator, asked(name))

    assert counts(answer) == [(2, 1, 0)]
    found = await search(world, hospital, "Patient?gender=female")
    assert [one["meta"]["versionId"] for one in found] == ["2"]


async def test_a_large_file_takes_the_memory_of_a_transaction(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH_BYTES", 300_000)
    monkeypatch.setattr(queue, "run_waiting", lambda _: asyncio.sleep(0))
    texts = [{"text": "x" * 50_000}, {"text": "y" * 50_000}]
    name = put(folder, "all.ndjson.gz", *(a_patient(id=f"p{number}", name=texts) for number in range(200)))
    id_, client = await _waiting(world, name)
    job = await found_job(world, id_, client)
    assert job is not None
    held = await take(world.hub, IMPORTS, job)
    assert held is not None
    importing = Importing(held)
    gc.collect()
    tracemalloc.start()

    await importing.run()
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert importing.at.counts[0].created == 200
    assert highest < 200 * 100_000 / 2
