"""ITI-81: an auditor asks for the log as AuditEvents; a range of dates is needed, and the question is on record."""

import datetime as dt
from typing import Any

import pytest

from app.audit.atna import walk
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

TODAY = "date=ge2020-01-01&date=le2100-01-01"


@pytest.fixture
async def read(world: World) -> dict[str, Any]:
    """A hospital that has created a Patient and an Observation and read the Observation, and an auditor."""
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = (await world.post(hospital, an_observation(patient)))["id"]
    assert (await world.http.get(f"/fhir/Observation/{observation}", headers=hospital)).status_code == 200
    await world.hub.leader.integrate_all()
    auditor = await world.client("audit-office", role="auditor")
    return {"patient": patient, "observation": observation, "auditor": auditor, "hospital": hospital}


async def found(world: World, read: dict[str, Any], query: str) -> list[dict[str, Any]]:
    answer = await world.http.get(f"/fhir/AuditEvent?{query}", headers=read["auditor"])
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", [])]


def codes(events: list[dict[str, Any]]) -> list[str]:
    return [one["subtype"][0]["code"] for one in events]


async def test_the_newest_come_first(world: World, read: dict[str, Any]) -> None:
    events = await found(world, read, TODAY)

    assert codes(events)[:3] == ["read", "create", "create"]
    assert [one["recorded"] for one in events] == sorted((one["recorded"] for one in events), reverse=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("patient={patient}", ["read", "create", "create"]),
        ("patient=Patient/{patient}&action=R", ["read"]),
        ("entity=Observation/{observation}/_history/1", ["read", "create"]),
        ("agent.identifier=hospital-a-system&subtype=read", ["read"]),
        ("user=hospital-a-system&subtype=http://hl7.org/fhir/restful-interaction|create", ["create", "create"]),
        ("agent=Organization/hospital-a&type=rest&_count=2", ["read", "create"]),
        ("address=127.0.0&outcome=0&action=R,C", ["read", "create", "create"]),
        ("patient={patient}&entity-role=4&entity-type=2&subtype=read", ["read"]),
        ("type=110114", []),
        ("patient=nobody", []),
        ("site=連携医療圏&source=Device/hub&subtype=read", ["read"]),
        ("policy=urn:x", []),
        ("altid=x", []),
    ],
)
async def test_a_question_is_answered_by_its_parameters(
    world: World, read: dict[str, Any], query: str, expected: list[str]
) -> None:
    events = await found(world, read, f"{TODAY}&{query.format(**read)}")

    assert codes(events) == expected


@pytest.mark.parametrize(
    ("query", "status", "expression"),
    [
        ("", 400, "date"),
        ("date=ge2026-01-01", 400, "date"),
        ("date=le2026-01-01", 400, "date"),
        ("date=monday", 400, None),
        (f"{TODAY}&nonsense=1", 400, "nonsense"),
        (f"{TODAY}&_count=0", 400, "_count"),
        (f"{TODAY}&_count=many", 400, "_count"),
        (f"{TODAY}&_sort=date", 400, "_sort"),
        (f"{TODAY}&outcome=", 400, "outcome"),
        (f"{TODAY}&_cursor=forged", 400, "_cursor"),
        ("date=ne2026-01-01", 400, "date"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    world: World, read: dict[str, Any], query: str, status: int, expression: str | None
) -> None:
    answer = await world.http.get(f"/fhir/AuditEvent?{query}", headers=read["auditor"])

    assert answer.status_code == status
    assert answer.json()["issue"][0].get("expression", [None]) == [expression]


async def test_the_range_parts_what_was_before_and_after(world: World, read: dict[str, Any]) -> None:
    now = dt.datetime.now(dt.UTC)
    yesterday, tomorrow = (f"{now + dt.timedelta(days=one):%Y-%m-%d}" for one in (-2, 2))

    assert await found(world, read, f"date={yesterday}") == []
    assert await found(world, read, f"date=ge{tomorrow}&date=lt2100") == []
    assert "read" in codes(await found(world, read, f"date=gt{yesterday}&date=lt{tomorrow}"))


async def test_pages_hold_every_event_once(world: World, read: dict[str, Any]) -> None:
    whole = await found(world, read, f"{TODAY}&patient={read['patient']}")
    ids, address = [], f"/fhir/AuditEvent?{TODAY}&patient={read['patient']}&_count=1"
    while address:
        answer = (await world.http.get(address, headers=read["auditor"])).json()
        ids += [one["resource"]["id"] for one in answer.get("entry", [])]
        address = next((one["url"] for one in answer["link"] if one["relation"] == "next"), "")

    assert ids == [one["id"] for one in whole]


async def test_a_page_ends_where_enough_was_looked_at(
    world: World, read: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "MOST_LOOKED_AT", 2)

    answer = (await world.http.get(f"/fhir/AuditEvent?{TODAY}&type=110114", headers=read["auditor"])).json()

    assert "entry" not in answer
    assert [one["relation"] for one in answer["link"]] == ["self", "next"]


async def test_to_ask_is_on_record_as_audit_log_used(world: World, read: dict[str, Any]) -> None:
    await found(world, read, f"{TODAY}&type=110114")

    asked = (await found(world, read, f"{TODAY}&type=110101"))[0]

    assert (asked["type"]["code"], asked["subtype"][0]["code"], asked["action"]) == ("110101", "ITI-81", "R")
    assert [one["role"]["code"] for one in asked["entity"] if "query" in one] == ["24"]


async def test_an_event_is_read_by_its_address(world: World, read: dict[str, Any]) -> None:
    (event,) = await found(world, read, f"{TODAY}&subtype=read&patient={read['patient']}")

    answer = await world.http.get(f"/fhir/AuditEvent/{event['id']}", headers=read["auditor"])

    assert answer.json() == event
    for absent in ("1", "received-1", "received-x", "9" * 30):
        assert (await world.http.get(f"/fhir/AuditEvent/{absent}", headers=read["auditor"])).status_code == 404


async def test_a_question_may_be_posted_as_a_form(world: World, read: dict[str, Any]) -> None:
    answer = await world.http.post("/fhir/AuditEvent/_search", headers=read["auditor"], data={"date": "2100"})

    assert (answer.status_code, answer.json()["type"]) == (200, "searchset")


async def test_who_is_no_auditor_is_shown_nothing_of_the_log(world: World, read: dict[str, Any]) -> None:
    for caller in (read["hospital"], await world.client("secretariat", role="secretariat")):
        answer = await world.http.get(f"/fhir/AuditEvent?{TODAY}", headers=caller)
        assert answer.json().get("entry", []) == []
