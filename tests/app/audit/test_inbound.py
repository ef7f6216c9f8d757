"""Audit events of other systems: by FHIR feed and by syslog over TLS; kept apart by source, shown to auditors alone."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.access.tables import client
from app.audit.inbound import frames
from app.audit.inbound.frames import content, framed
from app.audit.inbound.syslog import Door
from app.settings import Settings
from tests.app.audit.test_at_work import query, recorded
from tests.certificates import Authority
from tests.world import World, running

pytestmark = pytest.mark.anyio

TODAY = "date=ge2020-01-01&date=le2100-01-01"
JSON = {"content-type": "application/fhir+json"}


def an_event(**fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "AuditEvent",
        "type": {"system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest"},
        "action": "R",
        "recorded": "2026-04-01T09:00:00Z",
        "outcome": "0",
        "agent": [{"who": {"identifier": {"value": "dr-sato"}}, "requestor": True}],
        "source": {"observer": {"display": "EHR"}},
        "entity": [
            {
                "what": {"reference": "Patient/4711"},
                "role": {"system": "http://terminology.hl7.org/CodeSystem/object-role", "code": "1"},
            }
        ],
        **fields,
    }


MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<AuditMessage><EventIdentification EventActionCode="E" EventDateTime="2026-04-01T10:00:00+09:00"
 EventOutcomeIndicator="0"><EventID csd-code="110112" codeSystemName="DCM" originalText="Query"/>
<EventTypeCode csd-code="ITI-18" codeSystemName="IHE Transactions" originalText="Registry Stored Query"/>
</EventIdentification><ActiveParticipant UserID="ehr-a" UserName="電子カルテ" UserIsRequestor="true"
 NetworkAccessPointID="10.0.0.7" NetworkAccessPointTypeCode="2"><RoleIDCode csd-code="110153" codeSystemName="DCM"
 originalText="Source"/></ActiveParticipant><AuditSourceIdentification AuditSourceID="ehr"/>
<ParticipantObjectIdentification ParticipantObjectID="4711^^^&amp;1.2.3&amp;ISO" ParticipantObjectTypeCode="1"
 ParticipantObjectTypeCodeRole="1"><ParticipantObjectIDTypeCode csd-code="2" codeSystemName="RFC-3881"
 originalText="Patient Number"/></ParticipantObjectIdentification></AuditMessage>"""


def syslog(body: str = MESSAGE) -> bytes:
    header = "<85>1 2026-04-01T01:00:00Z ehr.hospital-a EHR 17 IHE+RFC-3881 - "
    return header.encode() + b"\xef\xbb\xbf" + body.encode()


async def shown(world: World, more: str = "") -> list[dict[str, Any]]:
    """Return the received events that an auditor is shown."""
    auditor = await world.client("audit-office", role="auditor")
    address = f"/fhir/AuditEvent?{TODAY}&_source={world.hub.settings.address}/atna/{more}"
    answer = await world.http.get(address, headers=auditor)
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", [])]


async def test_a_system_sends_one_event_and_an_auditor_is_shown_it(settings: Settings, world: World) -> None:
    hospital = await world.client("hospital-a")

    sent = await world.http.post("/atna/fhir/AuditEvent", headers=hospital, json=an_event())

    assert sent.status_code == 201
    (event,) = await shown(world)
    id_ = sent.headers["location"].rpartition("/")[2]
    source = f"{world.hub.settings.address}/atna/hospital-a/hospital-a-system"
    assert event == an_event(id=id_, meta={"source": source})
    (told,) = [one for one in await recorded(settings) if one.interaction == "audit-received"]
    assert (told.client, told.organisation) == ("hospital-a-system", "Organization/hospital-a")


async def test_a_batch_is_answered_entry_by_entry(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    entry = {"resource": an_event(), "request": {"method": "POST", "url": "AuditEvent"}}
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": [entry, entry]}

    first = await world.http.post("/atna/fhir", headers=hospital, json=bundle)
    second = await world.http.post("/atna/fhir/", headers=clinic, json={**bundle, "type": "transaction"})

    assert [one["response"]["status"] for one in first.json()["entry"]] == ["201", "201"]
    assert (second.status_code, second.json()["type"]) == (200, "transaction-response")
    assert len(await shown(world)) == 4
    assert len(await shown(world, "clinic-c/")) == 2


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("&patient=4711", 1),
        ("&patient=Patient/4712", 0),
        ("&agent.identifier=dr-sato", 1),
        ("&agent.identifier=dr-ito", 0),
        ("&date=2026-04-01", 1),
        ("&date=2026-04-02", 0),
    ],
)
async def test_received_events_are_found_by_whom_they_name(world: World, query: str, count: int) -> None:
    await world.http.post("/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=an_event())

    assert len(await shown(world, query)) == count


async def test_nothing_readable_lies_in_the_table(settings: Settings, world: World) -> None:
    await world.http.post("/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=an_event())

    ((sealed, digest),) = await query(settings, "SELECT sealed, digest FROM received_event")
    told = next(one for one in await recorded(settings) if one.interaction == "audit-received")

    assert b"4711" not in bytes(sealed)
    assert told.entities == (f"urn:sha-256:{bytes(digest).hex()}",)


async def test_what_was_received_cannot_be_altered(settings: Settings, world: World) -> None:
    await world.http.post("/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=an_event())

    with pytest.raises(Exception, match=r"append-only|not altered"):
        await query(settings, "UPDATE received_event SET client = 'other'")


@pytest.mark.parametrize(
    ("method", "path", "sent", "status"),
    [
        ("POST", "/AuditEvent", {"resourceType": "Patient"}, 400),
        ("POST", "/AuditEvent", an_event(action="X"), 422),
        ("POST", "/AuditEvent", {"resourceType": "AuditEvent"}, 422),
        ("POST", "", an_event(), 400),
        ("POST", "", {"resourceType": "Bundle", "type": "collection"}, 400),
        ("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": an_event()}]}, 400),
        ("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": ["x"]}, 400),
        ("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": [{}] * 1001}, 400),
        ("POST", "/Patient", an_event(), 404),
        ("GET", "/AuditEvent", None, 405),
        ("PUT", "/AuditEvent", an_event(), 405),
    ],
)
async def test_what_is_no_audit_event_is_refused(world: World, method: str, path: str, sent: Any, status: int) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.request(method, f"/atna/fhir{path}", headers=hospital, json=sent)

    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    assert await shown(world) == []


async def test_only_known_systems_send(settings: Settings, world: World) -> None:
    doctor = await world.client("hospital-a", role="doctor")

    statuses = [
        (await world.http.post("/atna/fhir/AuditEvent", headers=headers, json=an_event())).status_code
        for headers in ({}, {"Authorization": "Bearer nobody"}, doctor)
    ]

    assert statuses == [401, 401, 403]
    outcomes = [(one.interaction, one.outcome) for one in await recorded(settings) if one.outcome != "0"]
    assert outcomes == [("refused", "8"), ("refused", "8"), ("audit-received", "4")]


async def test_a_body_that_is_too_large_is_refused(world: World) -> None:
    event = an_event(outcomeDesc="x" * 1_000_001)

    answer = await world.http.post("/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=event)

    assert answer.status_code == 413


@asynccontextmanager
async def a_door(settings: Settings, folder: Path) -> AsyncIterator[tuple[World, Door, Authority, ssl.SSLContext]]:
    """A syslog door, and how hospital-a connects to it."""
    authority = Authority(folder)
    certificate, key = authority.issue("hub")
    chosen = settings.model_copy(
        update={"tls_certificate": certificate, "tls_key": key, "client_authority": authority.path}
    )
    async with running(chosen) as world:
        door = Door(world.hub)
        server = await door.open()
        async with server:
            shown, secret = authority.issue("ehr")
            der = ssl.PEM_cert_to_DER_cert(shown.read_text())
            thumbprint = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
            await world.client("hospital-a")
            async with world.hub.database.write() as connection:
                await connection.execute(client.update().values(certificate=thumbprint), {})
            yield world, door, authority, how(authority, shown, secret)
        await door.close()


def how(authority: Authority, certificate: Path, key: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(authority.path))
    made.load_cert_chain(str(certificate), str(key))
    return made


async def send(door: Door, context: ssl.SSLContext, octets: bytes) -> bytes:
    """Send octets, end the stream, and return what came back until the door ended it too."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context, server_hostname="localhost")
    writer.write(octets)
    await writer.drain()
    writer.close()
    try:
        await writer.wait_closed()
    except (ConnectionError, ssl.SSLError):
        return b"broken off"
    return await reader.read()


async def until(world: World, count: int) -> list[dict[str, Any]]:
    """Return the received events once there are so many."""
    async with asyncio.timeout(20):
        while True:
            events = await shown(world)
            if len(events) >= count:
                return events


async def test_messages_come_in_by_syslog_under_the_site_of_their_certificate(
    settings: Settings, tmp_path: Path
) -> None:
    async with a_door(settings, tmp_path) as (world, door, _, context):
        await send(door, context, framed(syslog()) + framed(syslog("no XML")) + framed(b"no header"))
        events = await until(world, 3)
        by_number = await shown(world, "&patient.identifier=4711^^^%261.2.3%26ISO")

    event = next(one for one in events if one["type"]["code"] == "110112")
    assert by_number == [event]
    assert event["subtype"][0] == {
        "system": "urn:ihe:event-type-code",
        "code": "ITI-18",
        "display": "Registry Stored Query",
    }
    assert (event["recorded"], event["agent"][0]["name"]) == ("2026-04-01T01:00:00.000000Z", "電子カルテ")
    assert event["meta"]["source"].endswith("/atna/hospital-a/hospital-a-system")
    unreadable = [one for one in events if one is not event]
    assert {one["outcomeDesc"].partition(":")[0] for one in unreadable} == {"A message that cannot be read"}


async def test_who_is_not_known_by_its_certificate_is_refused_and_on_record(settings: Settings, tmp_path: Path) -> None:
    async with a_door(settings, tmp_path) as (world, door, authority, _):
        stranger = how(authority, *authority.issue("stranger"))
        await send(door, stranger, framed(syslog()))
        told: list[Any] = []
        async with asyncio.timeout(20):
            while not told:
                told = [one for one in await recorded(settings) if one.outcome == "8"]
        assert await shown(world) == []

    assert [(one.interaction, one.description) for one in told] == [("node-authentication", "ITI-20")]


@pytest.mark.parametrize(
    "octets",
    [b"x", b"0 ", b"12345678 ", b"99999999", b"1000001 " + b"x" * 100, b"50 short", b"<85>1 - - - - - - no count"],
)
async def test_a_stream_that_counts_wrongly_ends_and_what_came_before_is_kept(
    settings: Settings, tmp_path: Path, octets: bytes
) -> None:
    async with a_door(settings, tmp_path) as (world, door, _, context):
        await send(door, context, framed(syslog()) + octets)
        await until(world, 1)
        await send(door, context, framed(syslog()))

        assert len(await until(world, 2)) == 2


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (syslog("<a/>"), b"<a/>"),
        (b"<85>1 - - - - - - <a/>", b"<a/>"),
        (b'<85>1 - - - - - [x@1 y="\\]"][z] <a/>', b"<a/>"),
        (b"<85>1 - - - - - -", b""),
        (b"<a/>", b"<a/>"),
    ],
)
def test_the_content_follows_the_header(message: bytes, found: bytes) -> None:
    assert content(message) == found


async def test_frames_end_where_the_stream_does() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"3 abc2 de")
    reader.feed_eof()

    assert [one async for one in frames.frames(reader, 5)] == [b"abc", b"de"]
