from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.balp import Observer
from app.audit.desk import pages
from app.audit.desk.asked import Asked, asked_of, fields_of, from_query, to_query
from app.audit.desk.pages import BEFORE_ALL, Log
from app.audit.desk.shown import COLUMNS, to_csv
from app.audit.inbound.tables import received_event
from app.audit.review import Reviewer
from app.clock import instant, row_time
from app.identity.tables import person_patient
from tests.desk import Counting, a_known, a_look, looked
from tests.world import World

pytestmark = pytest.mark.anyio


def a_log(world: World) -> Log:
    hub = world.hub
    slugs = {"hospital-a": 1, "hospital-b": 2, "clinic-c": 3, "clinic-d": 4}
    references = {slug: f"Organization/{slug}" for slug in slugs}
    observer = Observer("Device/hub", hub.settings.fhir_address, hub.settings.region)
    return Log(hub.database.reader, Reviewer(hub.audit.keys), observer, hub.clock(), references, slugs)


async def users(world: World, **asked: object) -> list[str]:
    found = await a_log(world).page(Asked(**asked), limit=100)
    return [one.user for one in found.events if one.user]


def an_event(patient: str, outcome: str = "0", recorded: str = "2026-04-01T09:00:00Z") -> dict[str, object]:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110112", "display": "Query"},
        "action": "E",
        "recorded": recorded,
        "outcome": outcome,
        "agent": [
            {"who": {"display": "the EHR itself"}, "requestor": False},
            {"who": {"identifier": {"value": "dr-sato"}}, "name": "佐藤", "requestor": True},
        ],
        "purposeOfEvent": [{"coding": [{"code": "TREAT"}]}],
        "source": {"observer": {"display": "EHR"}},
        "entity": [
            {
                "what": {"identifier": {"value": patient}},
                "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
            },
            {"what": {"reference": "Observation/1"}},
        ],
    }


async def test_failures_and_purposes_are_asked_together_with_the_rest(world: World) -> None:
    patient, other = await a_known(world), await a_known(world, "hospital-b")
    await looked(
        world,
        a_look(world, patient, "a", outcome="4"),
        a_look(world, patient, "b", purpose="BTG"),
        a_look(world, other, "a", outcome="8", purpose="BTG"),
        a_look(world, other, "c"),
    )

    assert await users(world, failures=True) == ["a", "a"]
    assert await users(world, failures=True, user="a", site="hospital-b") == ["a"]
    assert await users(world, failures=True, user="b") == []
    assert await users(world, purpose="BTG") == ["a", "b"]
    assert await users(world, purpose="BTG", failures=True) == ["a"]
    assert await users(world, patient=patient.reference) == ["b", "a"]
    assert len(await users(world, site="nowhere")) == 4


async def test_the_person_is_asked_for_at_all_sites(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CHUNK", 2)
    here, there, other = await a_known(world), await a_known(world, "hospital-b"), await a_known(world)
    async with world.hub.database.write() as connection:
        update = person_patient.update().where(person_patient.c.patient_key == there.key).values(person=here.key)
        await connection.execute(update, {})
    await looked(world, *(a_look(world, (here, there, other)[number % 3], f"u{number}") for number in range(9)))

    assert await users(world, patient=here.reference) == ["u6", "u3", "u0"]
    assert await users(world, patient=here.reference, whole=True) == ["u7", "u6", "u4", "u3", "u1", "u0"]
    assert await users(world, patient=there.reference, whole=True, user="u3") == ["u3"]
    assert await users(world, patient="Patient/nobody", whole=True) == []


async def test_failures_are_paged_by_the_index(world: World) -> None:
    patient = await a_known(world)
    await looked(world, *(a_look(world, patient, f"u{number}", outcome="4") for number in range(5)))
    await looked(world, a_look(world, patient, "fine"))
    log = a_log(world)

    first = await log.page(Asked(failures=True), limit=2)
    second = await log.page(Asked(failures=True), limit=2, before=first.before or BEFORE_ALL)
    third = await log.page(Asked(failures=True), limit=2, before=second.before or BEFORE_ALL)

    assert [[one.user for one in page.events] for page in (first, second, third)] == [
        ["u4", "u3"],
        ["u2", "u1"],
        ["u0"],
    ]
    assert third.before is None


async def test_a_page_ends_after_so_many_records_that_do_not_answer(world: World) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient, "a", purpose="BTG"), *(a_look(world, patient) for _ in range(4)))
    log = a_log(world)

    first = await log.page(Asked(purpose="BTG"), limit=10, most=3)
    second = await log.page(Asked(purpose="BTG"), limit=10, before=first.before or BEFORE_ALL)

    assert (list(first.events), first.before is not None) == ([], True)
    assert [one.user for one in second.events] == ["a"]


async def test_events_of_connected_systems_are_looked_at_apart(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CHUNK", 2)
    for site, patients in (("hospital-a", ("4711", "4712")), ("hospital-b", ("4711", "4713", "4714"))):
        system = await world.client(site)
        for patient in patients:
            sent = await world.http.post("/atna/fhir/AuditEvent", headers=system, json=an_event(patient))
            assert sent.status_code == 201, sent.text
    failed = await world.http.post(
        "/atna/fhir/AuditEvent", headers=await world.client("hospital-b"), json=an_event("4715", "8")
    )
    assert failed.status_code == 201
    log = a_log(world)

    async def sources(**asked: object) -> list[str]:
        return [one.source for one in (await log.page(Asked(others=True, **asked), limit=100)).events]

    assert len(await sources()) == 6
    assert await sources(site="hospital-a") == ["hospital-a/hospital-a-system"] * 2
    assert len(await sources(patient="Patient/4711")) == 2
    assert len(await sources(site="nowhere")) == 6
    assert await sources(failures=True) == ["hospital-b/hospital-b-system"]
    assert len(await sources(user="dr-sato", purpose="TREAT")) == 6
    assert await sources(purpose="BTG") == []
    assert await users(world) == []

    first = await log.page(Asked(others=True), limit=4)
    second = await log.page(Asked(others=True), limit=4, before=first.before or BEFORE_ALL)
    assert len({one.record for one in (*first.events, *second.events)}) == 6
    (one, *_) = (await log.page(Asked(others=True, site="hospital-a"), limit=1)).events
    assert (one.user, one.user_name, one.interaction, one.entities) == ("dr-sato", "佐藤", "Query", ("Observation/1",))


async def test_a_file_has_a_line_for_each_event_and_no_formula(world: World) -> None:
    patient = await a_known(world)
    await looked(world, a_look(world, patient, "=1+1", query="name=山田"))
    found = await a_log(world).page(Asked(patient=patient.reference, user="=1+1"), limit=10)

    text = to_csv(found.events, {"Organization/clinic-c": "C診療所"})

    header, line, *_ = text.splitlines()
    assert header == ",".join(COLUMNS)
    assert "'=1+1" in line
    assert "C診療所" in line
    assert "山田" not in text


async def test_a_review_goes_by_when_events_came_not_by_what_they_say(world: World) -> None:
    system = await world.client("hospital-a")
    for year in (2025, 1970, 2019, 2026):
        event = an_event("4711", recorded=f"{year}-01-01T00:00:00Z")
        sent = await world.http.post("/atna/fhir/AuditEvent", headers=system, json=event)
        assert sent.status_code == 201, sent.text
    rows = await world.hub.database.reader.fetch(select(received_event.c.row).order_by(received_event.c.row), {})
    began, ended = (row_time(int(rows[place][0])) + 1_000 for place in (0, -1))
    asked = Asked(others=True, patient="Patient/4711", user="dr-sato", site="hospital-a").between(began, ended)

    first = await a_log(world).page(asked, limit=2)
    second = await a_log(world).page(asked, limit=2, before=first.before or BEFORE_ALL)

    assert [instant(one.when)[:4] for page in (first, second) for one in page.events] == ["2026", "2019", "1970"]
    assert second.before is None
    assert list((await a_log(world).page(asked.between(ended, ended + 1), limit=2)).events) == []


async def test_failures_of_connected_systems_are_read_many_at_once(world: World) -> None:
    system = await world.client("hospital-a")
    for number in range(6):
        await world.http.post("/atna/fhir/AuditEvent", headers=system, json=an_event(str(number)))
    reader = Counting(world.hub.database.reader)

    found = await replace(a_log(world), connection=reader).page(Asked(others=True, failures=True), limit=1)

    assert (list(found.events), reader.rows) == ([], [6])


async def test_a_patients_name_is_not_shown_but_that_of_who_looked_is(world: World) -> None:
    said: dict[str, Any] = an_event("4711")
    said["entity"] = [
        {"what": {"display": "山田 太郎"}, "role": {"code": "1"}},
        {"what": {"reference": "Observation/1", "display": "山田 太郎の検査"}},
        {"what": {"display": "山田 太郎の画像"}},
    ]
    said["agent"] = [{"who": {"display": "佐藤 医師"}, "requestor": True}]
    sent = await world.http.post("/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=said)
    assert sent.status_code == 201, sent.text

    (one,) = (await a_log(world).page(Asked(others=True), limit=5)).events

    assert (one.user, one.patient, one.entities) == ("佐藤 医師", "", ("Observation/1",))
    assert "山田" not in to_csv([one], {})
    assert "2026-04-01T18:00:00+09:00" in to_csv([one], {})


@pytest.mark.parametrize(
    "fields",
    [
        {
            "patient": "1",
            "whole": "1",
            "user": "a",
            "site": "b",
            "purpose": "TREAT",
            "outcome": "failures",
            "source": "others",
        },
        {"user": "a&b=c"},
        {},
    ],
)
def test_a_question_is_saved_without_its_days(fields: dict[str, str]) -> None:
    asked = fields_of(fields | {"from": "2026-04-01", "to": "2026-04-30"})

    again = from_query(to_query(asked))

    assert again == fields_of(fields)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "9999-12-31", "0001-01-01", "20260401T"])
def test_what_is_no_day_asks_nothing_and_breaks_nothing(text: str) -> None:
    found = asked_of({"from": text, "to": text})

    assert found.begins >= 0
    assert 0 <= found.ends <= 2**62
