"""Gate 4: the record is durable before the answer, one for each patient; without it nothing is disclosed."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.leader import Leader
from app.audit.record import Event, unseal
from app.db import open_database
from app.lifecycle import audit_keys, open_hub
from app.settings import Settings
from tests.asgi import Answer, call
from tests.world import World, a_consent, a_patient, an_observation, running

pytestmark = pytest.mark.anyio

JSON = "application/fhir+json"


async def query(settings: Settings, text: str) -> list[Any]:
    """Run a statement on a connection of the test's own."""
    if settings.is_postgresql:
        connection = await asyncpg.connect(settings.database)
        try:
            return [tuple(row) for row in await connection.fetch(text)]
        finally:
            await connection.close()
    with sqlite3.connect(settings.sqlite_path) as file:
        found = file.execute(text).fetchall()
    file.close()
    return found


async def recorded(settings: Settings) -> list[Event]:
    """Return the events in the table, the oldest first, as another process sees them."""
    keys, _ = audit_keys(settings)
    salts = [bytes(salt) for (salt,) in await query(settings, "SELECT salt FROM audit_salt")]
    found = []
    for (record,) in await query(settings, "SELECT record FROM audit_record ORDER BY row"):
        opened = [unseal(bytes(record), keys, salt) for salt in (*salts, None) if _opens(bytes(record), keys, salt)]
        found.append(opened[0])
    return found


def _opens(record: bytes, keys: Any, salt: bytes | None) -> bool:
    try:
        return not unseal(record, keys, salt).erased
    except Exception:
        return False


async def new_events(settings: Settings, world: World, *asked: Any) -> tuple[Answer, list[Event], list[Event]]:
    """Return an answer, the events there were when its first byte was about to leave, and those afterwards."""
    before = len(await recorded(settings))
    at_first_byte: list[Event] = []

    async def look() -> None:
        at_first_byte.extend((await recorded(settings))[before:])

    answer = await call(world.app, *asked, before_first_byte=look)
    return answer, at_first_byte, (await recorded(settings))[before:]


@pytest.fixture
async def region(world: World) -> dict[str, Any]:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patients = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    observations = [(await world.post(hospital, an_observation(id_)))["id"] for id_ in patients]
    return {"hospital": hospital, "clinic": clinic, "patients": patients, "observation": observations[0]}


CALLS: dict[str, tuple[str, str, str, Any, int, str, str, list[int | None]]] = {
    "read": ("hospital", "GET", "Observation/{o}", None, 200, "read", "0", [0]),
    "vread": ("hospital", "GET", "Observation/{o}/_history/1", None, 200, "vread", "0", [0]),
    "history": ("hospital", "GET", "Observation/{o}/_history", None, 200, "history-instance", "0", [0]),
    "original": ("hospital", "GET", "Observation/{o}/$original", None, 200, "operation", "0", [0]),
    "search": ("hospital", "GET", "Observation?_sort=_lastUpdated", None, 200, "search-type", "0", [0, 1]),
    "count": ("hospital", "GET", "Observation?_count=0", None, 200, "search-type", "0", [None]),
    "nothing found": ("hospital", "GET", "Observation?code=x", None, 200, "search-type", "0", [None]),
    "hidden": ("clinic", "GET", "Observation/{o}", None, 404, "read", "4", [None]),
    "unknown": ("hospital", "GET", "Observation/x", None, 404, "read", "4", [None]),
    "no address": ("hospital", "GET", "Observation/x/y/z", None, 404, "", "4", [None]),
    "bad query": ("hospital", "GET", "Observation?x=y", None, 400, "search-type", "4", [None]),
    "bad body": ("hospital", "POST", "Observation", b"{", 400, "create", "4", [None]),
    "nobody": ("nobody", "GET", "Observation/{o}", None, 401, "refused", "8", [None]),
    "another's": ("shown", "DELETE", "Patient/{p}", None, 403, "delete", "4", [None]),
    "create": ("hospital", "POST", "Observation", "observation", 201, "create", "0", [0]),
    "create a patient": ("hospital", "PUT", "Patient/hospital-a-new", "patient", 201, "update", "0", [2]),
    "delete": ("hospital", "DELETE", "Observation/{o}", None, 204, "delete", "0", [0]),
    "group": ("hospital", "POST", "Group", "group", 201, "create", "0", [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
async def test_each_call_is_recorded_before_its_answer(
    settings: Settings, world: World, region: dict[str, Any], name: str
) -> None:
    who, method, path, body, status, interaction, outcome, about = CALLS[name]
    one, other = region["patients"]
    members = [{"entity": {"reference": f"Patient/{id_}"}} for id_ in (one, other)]
    bodies: dict[Any, Any] = {
        "observation": an_observation(one),
        "patient": a_patient(id="hospital-a-new"),
        "group": {"resourceType": "Group", "type": "person", "actual": True, "member": members},
    }
    if who == "shown":
        await world.post(region["hospital"], a_consent(one, "clinic-c"))
    callers = {**region, "nobody": {"Authorization": "Bearer x"}, "shown": region["clinic"]}
    sent = json.dumps(bodies[body]).encode() if isinstance(body, str) else body or b""
    address = f"/fhir/{path.format(o=region['observation'], p=one)}"

    asked = (method, address, callers[who], sent, JSON)
    answer, at_first_byte, afterwards = await new_events(settings, world, *asked)

    assert answer.status == status, answer.body
    assert at_first_byte == afterwards
    names = {0: f"Patient/{one}", 1: f"Patient/{other}", 2: "Patient/hospital-a-new", None: None}
    assert sorted(event.patient or "" for event in afterwards) == sorted(names[n] or "" for n in about)
    assert {(event.interaction, event.outcome) for event in afterwards} == {(interaction, outcome)}
    assert {event.path for event in afterwards} == {urlsplit(address).path}


async def test_reads_name_what_was_read_and_searches_what_was_asked(
    settings: Settings, world: World, region: dict[str, Any]
) -> None:
    observation = region["observation"]
    asked = ("GET", f"/fhir/Observation/{observation}", region["hospital"] | {"X-Request-Id": "r-1"})
    _, _, read = await new_events(settings, world, *asked)
    _, _, searched = await new_events(settings, world, "GET", "/fhir/Observation?code=4548-4", region["hospital"])
    form = (
        "POST",
        "/fhir/Observation/_search",
        region["hospital"],
        b"code=4548-4",
        "application/x-www-form-urlencoded",
    )
    _, _, posted = await new_events(settings, world, *form)

    assert [event.entities for event in read] == [(f"Observation/{observation}/_history/1",)]
    assert (read[0].request_id, read[0].client, read[0].purpose) == ("r-1", "hospital-a-system", "TREAT")
    assert (read[0].organisation, read[0].custodian) == ("Organization/hospital-a", "Organization/hospital-a")
    assert {(event.entities, event.query) for event in [*searched, *posted]} == {((), "code=4548-4")}


@asynccontextmanager
async def unwritable(settings: Settings) -> AsyncIterator[None]:
    """Let the database refuse every audit record, and take them again afterwards."""
    if settings.is_postgresql:
        await query(
            settings,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$",
        )
        await query(
            settings, "CREATE TRIGGER refuse BEFORE INSERT ON audit_record FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
        yield
        await query(settings, "DROP TRIGGER refuse ON audit_record")
    else:
        await query(
            settings, "CREATE TRIGGER refuse BEFORE INSERT ON audit_record BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        yield
        await query(settings, "DROP TRIGGER refuse")


async def assert_nothing_leaves(world: World, region: dict[str, Any]) -> None:
    """Ask for data and write some; each answer is a 503 that discloses nothing."""
    hospital, observation = region["hospital"], region["observation"]
    for method, address, body in (
        ("GET", f"/fhir/Observation/{observation}", b""),
        ("GET", "/fhir/Observation", b""),
        ("GET", f"/fhir/Observation/{observation}/_history", b""),
        ("GET", "/fhir/Observation/x", b""),
        ("POST", "/fhir/Patient", json.dumps(a_patient()).encode()),
        ("DELETE", f"/fhir/Observation/{observation}", b""),
    ):
        answer = await call(world.app, method, address, hospital, body, JSON)
        assert (answer.status, b"retry-after" in dict(answer.headers)) == (503, True), (method, address, answer)
        assert b"4548-4" not in answer.octets
        assert observation.encode() not in answer.octets
    nobody = await call(world.app, "GET", "/fhir/Observation", {"Authorization": "Bearer x"})
    assert nobody.status == 503


async def test_without_its_record_nothing_is_disclosed_or_written(
    settings: Settings, world: World, region: dict[str, Any]
) -> None:
    async with unwritable(settings):
        await assert_nothing_leaves(world, region)

    assert await world.total(region["hospital"], "Patient?_summary=count") == 2
    assert await world.total(region["hospital"], "Observation?_summary=count") == 2


async def test_a_full_disk_discloses_nothing(settings: Settings, world: World, region: dict[str, Any]) -> None:
    if settings.is_postgresql:
        pytest.skip("the page limit is SQLite's")
    writer = world.hub.database._writer.raw  # type: ignore[attr-defined]
    (pages,) = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count={pages}").fetchall()
    hospital, address = region["hospital"], f"/fhir/Observation/{region['observation']}"

    answers = [await call(world.app, "GET", address, hospital) for _ in range(400)]
    await assert_nothing_leaves(world, region)
    writer.execute("PRAGMA max_page_count=1000000").fetchall()

    refused = [answer for answer in answers if answer.status != 200]
    assert {answer.status for answer in refused} == {503}
    assert all(b"4548-4" not in answer.octets for answer in refused)
    assert (await call(world.app, "GET", address, hospital)).status == 200


class Cable:
    """A connection to PostgreSQL that can be cut."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.target = (parts.hostname or "", parts.port or 0)
        self.name = parts.path
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def plug(self, port: int = 0) -> str:
        """Pass connections on, and return the address to use."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", port)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return f"postgresql://renkei@127.0.0.1:{self.port}{self.name}"

    async def cut(self) -> None:
        """End every connection and take no new one."""
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        await asyncio.sleep(0.05)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self.target)
        self._writers += [writer, far_writer]
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(65536):
            writer.write(octets)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def test_a_lost_database_discloses_nothing(settings: Settings) -> None:
    if not settings.is_postgresql:
        pytest.skip("SQLite has no connection to lose")
    cable = Cable(settings.database)
    through = settings.model_copy(update={"database": await cable.plug()})
    async with running(through) as world:
        hospital = await world.client("hospital-a")
        patient = (await world.post(hospital, a_patient()))["id"]
        observation = (await world.post(hospital, an_observation(patient)))["id"]
        region = {"hospital": hospital, "observation": observation}

        await cable.cut()
        await assert_nothing_leaves(world, region)
        await cable.plug(cable.port)

        for _ in range(50):
            again = await call(world.app, "GET", f"/fhir/Observation/{observation}", hospital)
            if again.status == 200:
                break
            await asyncio.sleep(0.1)
        assert again.status == 200
    await cable.cut()


async def test_concurrent_reads_share_their_flushes(settings: Settings, world: World, region: dict[str, Any]) -> None:
    address = f"/fhir/Observation/{region['observation']}"
    await call(world.app, "GET", address, region["hospital"])
    before = len(await recorded(settings))
    begun = 0
    write = world.hub.database.write

    @asynccontextmanager
    async def counted() -> AsyncIterator[Any]:
        nonlocal begun
        begun += 1
        # A slow disk: while one batch is written, whatever the machine is busy with, the others come in.
        await asyncio.sleep(0.3)
        async with write() as connection:
            yield connection

    world.hub.database.write = counted  # type: ignore[method-assign]
    answers = await asyncio.gather(*(call(world.app, "GET", address, region["hospital"]) for _ in range(64)))

    assert [answer.status for answer in answers] == [200] * 64
    assert len(await recorded(settings)) == before + 64
    # At most a few batches, and perhaps the leader at its turn.
    assert begun <= 8


async def test_two_leaders_extend_one_tree(settings: Settings, tmp_path: Path) -> None:
    hubs = [await open_hub(settings) for _ in range(2)]
    _, signer = audit_keys(settings)
    leaders = [Leader(hub.database, signer, settings.audit_origin, hub.clock) for hub in hubs]
    for hub in hubs:
        hub.audit.start()

    async def work(number: int) -> None:
        for turn in range(20):
            event = Event(
                recorded=hubs[0].clock(), action="R", interaction="read", outcome="0", client=f"{number}-{turn}"
            )
            await hubs[number].audit.append([event])
            await leaders[number].integrate_all()

    await asyncio.gather(work(0), work(1))
    for hub in hubs:
        await hub.audit.stop()
    await leaders[0].integrate_all()

    database = await open_database(settings)
    count = await export(database, tmp_path / "export", signer.verifier)
    verdict = verify_export(tmp_path / "export", signer.verifier)
    for opened in (*[hub.database for hub in hubs], database):
        await opened.close()
    assert count == 40
    assert verdict.ok, verdict
    assert await query(settings, "SELECT count(*), count(DISTINCT row) FROM audit_leaf") == [(40, 40)]
    assert await query(settings, "SELECT count(*) FROM audit_stage") == [(0,)]


async def test_the_leader_goes_on_after_a_failure(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    hub = await open_hub(settings)
    hub.audit.start()
    await hub.audit.append([Event(recorded=hub.clock(), action="R", interaction="read", outcome="0")])
    await query(settings, "ALTER TABLE audit_checkpoint RENAME TO audit_checkpoint_away")
    hub.leader.start(0.02)
    await asyncio.sleep(0.2)
    await query(settings, "ALTER TABLE audit_checkpoint_away RENAME TO audit_checkpoint")

    for _ in range(100):
        if await query(settings, "SELECT size FROM audit_checkpoint"):
            break
        await asyncio.sleep(0.05)
    await hub.close()

    assert await query(settings, "SELECT size FROM audit_checkpoint") == [(1,)]
    assert await query(settings, "SELECT count(*) FROM audit_leaf") == [(1,)]
    assert "audit tree" in caplog.text
