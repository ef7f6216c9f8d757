"""A request that prefers to be answered later is carried out once, and its answer is what its client may know then."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from app.access.tables import client as client_table
from app.blobs.tables import blob
from app.records import commit
from app.records.jobs.queue import LASTS
from app.records.later import progress, run
from app.records.later.answers import REQUESTS
from app.records.later.tables import async_answer, async_job
from tests.app.records.test_transaction import a_bundle, entry
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

ASYNC = {"Prefer": "respond-async"}
HOUR = 3_600_000_000
LOCAL = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"


async def begin(world: World, caller: dict[str, str], method: str, path: str, **more: Any) -> str:
    """Ask for something later and return the path of its status."""
    headers = caller | ASYNC | more.pop("headers", {})
    response = await world.http.request(method, f"/fhir{path}", headers=headers, **more)
    assert response.status_code == 202, response.text
    assert response.json()["resourceType"] == "OperationOutcome"
    return response.headers["content-location"].removeprefix(world.hub.settings.address)


async def answered(world: World, caller: dict[str, str], status: str) -> dict[str, Any]:
    """Wait for an answer and return its one entry."""
    for _ in range(400):
        response = await world.http.get(status, headers=caller)
        if response.status_code != 202:
            assert response.status_code == 200, response.text
            found = response.json()
            assert (found["resourceType"], found["type"]) == ("Bundle", "batch-response")
            assert response.headers["expires"]
            (only,) = found["entry"]
            return dict(only)
        assert int(response.headers["retry-after"]) > 0
        assert response.headers["x-progress"]
        await asyncio.sleep(0.02)
    raise AssertionError("The request is never answered")


def stopped(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let nothing be carried out by itself, and return what carries out."""
    real = run.run_waiting
    monkeypatch.setattr(run, "run_waiting", lambda _: asyncio.sleep(0))
    return real


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("It never holds")


async def counts(world: World) -> list[int]:
    """Return how many requests, answers and blobs there are."""
    return [
        (await world.hub.database.reader.fetch(select(func.count()).select_from(table), {}))[0][0]
        for table in (async_job, async_answer, blob)
    ]


def a_transaction() -> dict[str, Any]:
    observation = an_observation("x") | {"subject": {"reference": LOCAL}}
    return a_bundle(
        "transaction", entry("POST", "Observation", observation), entry("POST", "Patient", a_patient(), fullUrl=LOCAL)
    )


async def test_a_transaction_is_carried_out_and_says_what_it_wrote(world: World) -> None:
    hospital = await world.client("hospital-a")

    only = await answered(world, hospital, await begin(world, hospital, "POST", "", json=a_transaction()))

    assert only["response"]["status"] == "200"
    assert only["resource"]["type"] == "transaction-response"
    found = only["resource"]["entry"]
    assert [one["response"]["status"] for one in found] == ["201", "201"]
    assert all(set(one) == {"response"} for one in found)
    patient = found[1]["response"]["location"].split("/")[5]
    assert await world.total(hospital, f"Observation?patient={patient}") == 1
    # What was sent is kept no longer than it is needed.
    assert await counts(world) == [1, 2, 0]


async def test_a_transaction_that_is_refused_says_which_entry(world: World) -> None:
    hospital = await world.client("hospital-a")
    bundle = a_bundle(
        "transaction", entry("POST", "Patient", a_patient()), entry("POST", "Observation", an_observation("unknown"))
    )

    only = await answered(world, hospital, await begin(world, hospital, "POST", "", json=bundle))

    assert only["response"]["status"] == "422"
    assert only["response"]["outcome"]["issue"][0]["expression"][0].startswith("Bundle.entry[1].resource")
    assert await world.total(hospital, "Patient") == 0


@pytest.mark.parametrize(("body", "status"), [(b"{", "400"), (b'{"resourceType":"Bundle","type":"collection"}', "400")])
async def test_what_is_no_bundle_to_carry_out_is_an_answer_too(world: World, body: bytes, status: str) -> None:
    hospital = await world.client("hospital-a")
    sent = {"headers": {"Content-Type": "application/fhir+json"}, "content": body}

    only = await answered(world, hospital, await begin(world, hospital, "POST", "", **sent))

    assert only["response"]["status"] == status


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_no_entries_are_no_failure(world: World, kind: str) -> None:
    hospital = await world.client("hospital-a")

    only = await answered(world, hospital, await begin(world, hospital, "POST", "", json=a_bundle(kind)))

    assert only == {"resource": {"resourceType": "Bundle", "type": f"{kind}-response"}, "response": {"status": "200"}}


async def test_a_batch_is_carried_out_entry_by_entry_and_read_when_it_is_fetched(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    bundle = a_bundle(
        "batch",
        entry("POST", "Observation", an_observation(patient)),
        entry("GET", f"Patient/{patient}"),
        entry("POST", "Observation", an_observation("unknown")),
        entry("PUT", f"Patient/{patient}", a_patient(id=patient, gender="female")),
        entry("GET", "Patient/unknown"),
        entry("DELETE", f"Patient/{patient}/_history/1"),
        {"resource": a_patient()},
    )

    only = await answered(world, hospital, await begin(world, hospital, "POST", "", json=bundle))

    found = only["resource"]["entry"]
    statuses = [one["response"]["status"] for one in found]
    assert statuses == ["201", "200", "422", "200", "404", "405", "400"]
    assert found[1]["resource"]["gender"] == "female"
    assert "resource" not in found[0]


async def test_reads_of_a_transaction_see_what_it_wrote(world: World) -> None:
    hospital = await world.client("hospital-a")
    bundle = a_transaction()
    bundle["entry"].append(entry("GET", "Observation?_summary=count"))

    only = await answered(world, hospital, await begin(world, hospital, "POST", "", json=bundle))

    assert only["resource"]["entry"][2]["resource"]["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "more", "total"),
    [
        ("GET", "/Patient?gender=male&_count=1", {}, 2),
        ("POST", "/Patient/_search", {"data": {"gender": "male", "_format": "xml"}}, 2),
        ("GET", "?_type=Patient", {}, 2),
        ("GET", "/Patient/{patient}/$everything", {}, None),
        ("POST", "/Patient/$validate", {"json": a_patient()}, None),
        ("GET", "/Observation/$lastn?patient={patient}", {}, 0),
        ("GET", "/Patient/{patient}/_history", {}, 1),
        ("GET", "/Patient/{patient}/$summary", {}, None),
    ],
)
async def test_reads_are_answered_as_at_once(
    world: World, method: str, path: str, more: dict[str, Any], total: int | None
) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_patient())

    only = await answered(world, hospital, await begin(world, hospital, method, path.format(patient=patient), **more))

    assert only["response"]["status"] == "200"
    assert only["resource"]["resourceType"] in ("Bundle", "OperationOutcome")
    assert only["resource"].get("total") == total


async def test_a_read_that_is_refused_is_an_answer_too(world: World) -> None:
    hospital = await world.client("hospital-a")

    only = await answered(world, hospital, await begin(world, hospital, "GET", "/Patient/unknown/$everything"))

    assert only["response"]["status"] == "404"
    assert only["response"]["outcome"]["resourceType"] == "OperationOutcome"


async def test_an_answer_is_written_as_its_status_is_asked_for(world: World) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_patient())
    status = await begin(world, hospital, "GET", "/Patient")

    response = await world.http.get(status, headers=hospital | {"Accept": "application/fhir+xml"})

    assert response.headers["content-type"].startswith("application/fhir+xml")
    assert b"<Patient>" in response.content


async def test_what_is_short_or_stores_a_document_is_answered_at_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    headers = hospital | ASYNC

    made = await world.http.post("/fhir/Patient", headers=headers, json=a_patient())
    read = await world.http.get(f"/fhir/Patient/{made.json()['id']}", headers=headers)
    stored = await world.http.post("/fhir/Composition/x/$document?persist=true", headers=headers)

    assert (made.status_code, read.status_code, stored.status_code) == (201, 200, 404)


async def test_a_conditional_delete_is_carried_out_later(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient(gender="other")))["id"]

    only = await answered(world, hospital, await begin(world, hospital, "DELETE", "/Patient?gender=other"))
    again = await answered(world, hospital, await begin(world, hospital, "DELETE", "/Patient?gender=other"))

    assert only["response"]["status"] == "204"
    assert again["response"]["status"] == "404"
    assert (await world.http.get(f"/fhir/Patient/{patient}", headers=hospital)).status_code == 410


async def test_a_withdrawn_consent_counts_when_the_answer_is_fetched(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    search = await begin(world, clinic, "GET", "/Patient")
    reads = a_bundle("batch", entry("GET", f"Patient/{patient}"), entry("GET", "Patient"))
    batch = await begin(world, clinic, "POST", "", json=reads)
    before = [await answered(world, clinic, status) for status in (search, batch)]

    withdrawn = {**consent, "status": "inactive"}
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json=withdrawn)
    after = [await answered(world, clinic, status) for status in (search, batch)]

    assert before[0]["resource"]["total"] == 1
    assert before[1]["resource"]["entry"][0]["resource"]["id"] == patient
    assert after[0]["resource"]["total"] == 0
    assert after[1]["resource"]["entry"][0]["response"]["status"] == "404"
    assert patient not in json.dumps([one["resource"].get("entry", [])[1:] for one in after])


async def test_another_client_sees_nothing_of_it(world: World) -> None:
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")
    status = await begin(world, hospital, "POST", "", json=a_transaction())
    await answered(world, hospital, status)

    answers = [(await world.http.request(method, status, headers=other)).status_code for method in ("GET", "DELETE")]

    assert answers == [404, 404]
    assert (await answered(world, hospital, status))["response"]["status"] == "200"


async def test_what_is_done_and_what_is_fetched_is_on_record(world: World) -> None:
    hospital = await world.client("hospital-a")
    status = await begin(world, hospital, "POST", "", json=a_transaction())
    done = await answered(world, hospital, status)
    patient = "/".join(done["resource"]["entry"][1]["response"]["location"].split("/")[4:6])
    search = await begin(world, hospital, "GET", "/Observation")

    await answered(world, hospital, search)

    told = await recorded(world)
    assert [one.patient for one in told if one.interaction == "transaction" and one.entities] == [patient]
    assert [one.patient for one in told if one.interaction == "search-type" and one.patient] == [patient]
    assert [one for one in told if one.path == search]


async def test_a_request_that_is_called_off_is_not_carried_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    status = await begin(world, hospital, "POST", "", json=a_transaction())

    gone = await world.http.delete(status, headers=hospital)
    await carry_out(world.hub)

    assert gone.status_code == 202
    assert (await world.http.get(status, headers=hospital)).status_code == 404
    assert await world.total(hospital, "Patient") == 0
    assert await counts(world) == [0, 0, 0]


async def test_a_request_that_is_called_off_while_it_is_carried_out_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    status = await begin(world, hospital, "POST", "", json=a_transaction())
    real = run.transaction

    async def called_off(*given: Any) -> Any:
        assert (await world.http.delete(status, headers=hospital)).status_code == 202
        return await real(*given)

    monkeypatch.setattr(run, "transaction", called_off)
    await carry_out(world.hub)

    assert await world.total(hospital, "Patient") == 0
    assert await counts(world) == [0, 0, 0]


@pytest.mark.parametrize("when", ["before its commit", "after its commit"])
async def test_a_transaction_is_done_once_though_the_process_ends(
    world: World, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    status = await begin(world, hospital, "POST", "", json=a_transaction())
    real = run.transaction

    async def ended(*given: Any) -> Any:
        if when == "after its commit":
            await real(*given)
        raise asyncio.CancelledError

    monkeypatch.setattr(run, "transaction", ended)
    with pytest.raises(asyncio.CancelledError):
        await carry_out(world.hub)
    monkeypatch.setattr(run, "transaction", real)
    early = await world.http.get(status, headers=hospital)
    now = world.hub.clock
    world.hub.clock = lambda: now() + 2 * LASTS

    await carry_out(world.hub)

    assert early.status_code == (200 if when == "after its commit" else 202)
    assert (await answered(world, hospital, status))["response"]["status"] == "200"
    assert await world.total(hospital, "Patient") == 1


async def test_a_batch_goes_on_where_it_was_interrupted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    entries = [entry("POST", "Patient", a_patient()) for _ in range(4)]
    status = await begin(world, hospital, "POST", "", json=a_bundle("batch", *entries))
    real, asked = commit.follow_patients, []

    async def failing(*given: Any) -> list[int]:
        asked.append(given)
        if len(asked) == 3:
            raise asyncio.CancelledError
        return await real(*given)

    monkeypatch.setattr(commit, "follow_patients", failing)
    with pytest.raises(asyncio.CancelledError):
        await carry_out(world.hub)
    waiting = await world.http.get(status, headers=hospital)
    now = world.hub.clock
    world.hub.clock = lambda: now() + 2 * LASTS

    await carry_out(world.hub)

    assert waiting.headers["x-progress"] == "2 of 4 entries"
    found = (await answered(world, hospital, status))["resource"]["entry"]
    assert len({one["response"]["location"] for one in found}) == 4
    assert await world.total(hospital, "Patient") == 4


async def test_what_ends_the_process_each_time_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    status = await begin(world, hospital, "POST", "", json=a_transaction())

    async def ended(*_: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr(run, "transaction", ended)
    now, later = world.hub.clock, 0
    world.hub.clock = lambda: now() + later
    for _ in range(run.MOST_TRIES):
        with pytest.raises(asyncio.CancelledError):
            await carry_out(world.hub)
        later += 2 * LASTS

    await carry_out(world.hub)

    failed = await world.http.get(status, headers=hospital)
    assert failed.status_code == 500
    assert failed.json()["issue"][0]["severity"] == "fatal"


async def test_the_lease_is_kept_while_a_transaction_takes_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = stopped(monkeypatch)
    monkeypatch.setattr(progress, "BEATS_SECONDS", 0.01)
    hospital = await world.client("hospital-a")
    status = await begin(world, hospital, "POST", "", json=a_transaction())
    real, now, later = run.transaction, world.hub.clock, 0
    world.hub.clock = lambda: now() + later

    hold, beats = REQUESTS.hold, []

    async def noted(*given: Any) -> bool:
        beats.append(await hold(*given))
        return bool(beats[-1])

    monkeypatch.setattr(REQUESTS, "hold", noted)

    async def long(*given: Any) -> Any:
        nonlocal later
        for _ in range(4):
            later += LASTS // 2
            await until(lambda: len(beats) > 1)
            beats.clear()
            # Another process looks for what was left.
            await asyncio.wait_for(carry_out(world.hub), 5)
        return await real(*given)

    monkeypatch.setattr(run, "transaction", long)
    await carry_out(world.hub)

    assert (await answered(world, hospital, status))["response"]["status"] == "200"
    assert await world.total(hospital, "Patient") == 1


async def test_a_client_that_was_disabled_writes_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    await begin(world, hospital, "POST", "", json=a_transaction())
    async with world.hub.database.write() as connection:
        await connection.execute(client_table.update().values(disabled=1), {})

    await carry_out(world.hub)

    assert await world.total(await world.client("hospital-a", role="nurse"), "Patient") == 0


async def test_a_client_has_few_requests_under_way_and_not_many_at_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(monkeypatch)
    hospital, other = await world.client("hospital-a"), await world.client("hospital-b")

    writes = [await world.http.post("/fhir", headers=hospital | ASYNC, json=a_bundle("batch")) for _ in range(5)]
    reads = [await world.http.get("/fhir/Patient", headers=other | ASYNC) for _ in range(101)]

    assert [one.status_code for one in writes] == [202, 202, 202, 202, 429]
    assert {one.status_code for one in reads[:100]} == {202}
    assert reads[100].status_code == 429
    assert int(reads[100].headers["retry-after"]) > 0


async def test_a_body_that_is_too_large_is_not_kept(world: World) -> None:
    hospital = await world.client("hospital-a")
    large = {"Content-Type": "application/x-www-form-urlencoded"}

    async def endless() -> Any:
        for _ in range(30):
            yield b"x" * 1_000_000

    refused = await world.http.post("/fhir/Patient/_search", headers=hospital | ASYNC | large, content=endless())

    assert refused.status_code == 413
    assert await counts(world) == [0, 0, 0]


async def test_the_status_of_a_request_is_not_asked_for_inside_of_another(world: World) -> None:
    hospital = await world.client("hospital-a")
    status = (await begin(world, hospital, "GET", "/Patient")).removeprefix("/fhir/")
    inside = a_bundle("batch", entry("GET", status), entry("DELETE", status))

    at_once = await world.http.post("/fhir", headers=hospital, json=inside)
    later = await answered(world, hospital, await begin(world, hospital, "POST", "", json=inside))

    for found in (at_once.json()["entry"], later["resource"]["entry"]):
        assert [one["response"]["status"] for one in found] == ["400", "400"]


async def test_a_request_expires_with_all_that_is_kept_of_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    carry_out = stopped(monkeypatch)
    hospital = await world.client("hospital-a")
    form = {"data": {"gender": "male"}}
    statuses = [
        await begin(world, hospital, "POST", "", json=a_transaction()),
        await begin(world, hospital, "POST", "/Patient/_search", **form),
    ]
    kept = await counts(world)
    now = world.hub.clock

    world.hub.clock = lambda: now() + 25 * HOUR
    expired = [(await world.http.get(status, headers=hospital)).status_code for status in statuses]
    await carry_out(world.hub)

    assert kept == [2, 0, 2]
    assert expired == [404, 404]
    assert await counts(world) == [0, 0, 0]
