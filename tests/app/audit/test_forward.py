"""The log handed on: to a real rsyslog over TLS that goes away and comes back, and to a FHIR feed."""

import asyncio
import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from app.audit.atna.forward import Forwarder, destinations
from app.audit.atna.message import message
from app.audit.balp import Observer, audit_event
from app.audit.keys import UnknownKey
from app.audit.record import Event, UnknownVersion
from app.audit.review import Question, Reviewer
from app.audit.tables import audit_record
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.certificates import Authority
from tests.desk import a_grown_log, canonical
from tests.ports import free_ports
from tests.world import World, a_patient, running

pytestmark = pytest.mark.anyio

CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="128k"
  defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="{folder}/authority.pem"
  defaultNetstreamDriverCertFile="{folder}/rsyslog.pem" defaultNetstreamDriverKeyFile="{folder}/rsyslog-key.pem")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
template(name="raw" type="string" string="%rawmsg%\\n")
input(type="imtcp" port="{port}" address="127.0.0.1")
action(type="omfile" file="{folder}/received" template="raw")
"""


class Rsyslog:
    """An rsyslog that takes audit messages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.authority.issue("rsyslog")
        (self.port,) = free_ports(1)
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "rsyslog.conf").write_text(CONFIGURATION.format(folder=folder, port=self.port))

    def start(self) -> None:
        program = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
        files = ["-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")]
        self.process = subprocess.Popen([program, "-n", *files], stderr=subprocess.DEVNULL)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
            self.process = None

    @property
    def lines(self) -> list[bytes]:
        received = self.folder / "received"
        return received.read_bytes().splitlines() if received.exists() else []


@pytest.fixture
def rsyslog(tmp_path: Path) -> Iterator[Rsyslog]:
    folder = tmp_path / "rsyslog"
    folder.mkdir()
    made = Rsyslog(folder)
    yield made
    made.stop()


async def forwarded(forwarder: Forwarder) -> None:
    """Hand on until the receiver, which may just have been started, has taken what waits."""
    async with asyncio.timeout(30):
        while True:
            try:
                await forwarder.forward()
            except OSError:
                await asyncio.sleep(0.1)
            else:
                return


async def whole_log(world: World) -> list[bytes]:
    """Return the message of every record."""
    settings = world.hub.settings
    observer = Observer("Device/hub", settings.fhir_address, settings.region)
    answer = await Reviewer(world.hub.audit.keys).ask(
        world.hub.database.reader, Question(), now=world.hub.clock(), limit=1000
    )
    return [message(audit_event(one.event, id="", observer=observer), "127.0.0.1") for one in answer.entries]


async def do_something(world: World, times: int) -> None:
    hospital = await world.client("hospital-a")
    for _ in range(times):
        await world.post(hospital, a_patient())
    await world.hub.leader.integrate_all()


async def test_rsyslog_that_goes_away_and_comes_back_has_every_record(world: World, rsyslog: Rsyslog) -> None:
    certificate, key = rsyslog.authority.issue("hub")
    chosen = world.hub.settings.model_copy(
        update={
            "audit_syslog": f"syslog-tls://localhost:{rsyslog.port}",
            "audit_peer_authority": rsyslog.authority.path,
            "audit_peer_certificate": certificate,
            "audit_peer_key": key,
        }
    )
    forwarder = Forwarder(world.hub, destinations(chosen)[0], Reviewer(world.hub.audit.keys))

    await do_something(world, 3)
    with pytest.raises(OSError, match=r"."):
        await forwarder.forward()
    rsyslog.start()
    await forwarded(forwarder)
    rsyslog.stop()
    first = len(rsyslog.lines)
    await do_something(world, 3)
    with pytest.raises(OSError, match=r"."):
        await forwarder.forward()
    rsyslog.start()
    await world.hub.leader.integrate_all()
    # Before the end of the failure is on record, which is handed on the next time.
    expected = await whole_log(world)
    await forwarded(forwarder)
    rsyslog.stop()

    assert first >= 3
    assert set(expected) <= set(rsyslog.lines)
    assert await forwarder.forward() in (0, 1, 2)


async def test_what_fails_and_is_well_again_is_on_record(settings: Settings, world: World) -> None:
    forwarder = Forwarder(world.hub, _Receiver([OSError("away"), OSError("away"), []]), Reviewer(world.hub.audit.keys))
    await do_something(world, 1)

    for _ in range(2):
        with pytest.raises(OSError, match=r"."):
            await forwarder.forward()
    await forwarder.forward()

    told = [one.description for one in await recorded(settings) if one.interaction == "audit-forwarded"]
    assert told == ["The receiver takes no events: away", "The receiver takes events again"]


class _Receiver:
    """A receiver whose answers are given, one for each delivery; the last one is for all after it."""

    name = "receiver"

    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.taken: list[Any] = []

    async def deliver(self, resources: Any) -> list[tuple[int, int]]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        self.taken += resources
        return list(answer)


async def test_an_event_that_is_refused_for_good_is_told_and_holds_nothing_up(settings: Settings, world: World) -> None:
    receiver = _Receiver([[(0, 422)], []])
    await do_something(world, 2)

    count = await Forwarder(world.hub, receiver, Reviewer(world.hub.audit.keys)).forward()

    (told,) = [one for one in await recorded(settings) if one.interaction == "audit-forwarded"]
    assert (count, told.outcome) == (len(receiver.taken), "4")
    assert told.description == "record 0 is refused with 422"


async def test_a_record_that_cannot_be_read_is_handed_on_as_one(world: World) -> None:
    receiver = _Receiver([[]])
    await do_something(world, 1)
    await world.hub.leader.integrate_all()
    await a_grown_log(world, b"{}")

    await Forwarder(world.hub, receiver, Reviewer(world.hub.audit.keys)).forward()

    assert [one["subtype"][0]["code"] for one in receiver.taken][-1] == "unreadable-record"


@pytest.mark.parametrize("of_later", [{"v": 2}, {"k": 9}])
@pytest.mark.parametrize("of_patient", [True, False], ids=["of a patient", "of nobody"])
async def test_what_a_later_release_or_key_has_just_sealed_is_waited_for(
    world: World, of_later: dict[str, int], of_patient: bool
) -> None:
    receiver = _Receiver([[]])
    await do_something(world, 1)
    await world.hub.audit.append([Event(world.hub.clock(), "E", "start")])
    await world.hub.leader.integrate_all()
    rows = await world.hub.database.reader.fetch(select(audit_record.c.record), {})
    records = [orjson.loads(bytes(record)) for (record,) in rows]
    members = next(one for one in records if ("p" in one) is of_patient)
    await a_grown_log(world, canonical(members | of_later))

    with pytest.raises((UnknownVersion, UnknownKey)):
        await Forwarder(world.hub, receiver, Reviewer(world.hub.audit.keys)).forward()

    assert receiver.taken == []


async def test_one_process_at_a_time_hands_on(world: World) -> None:
    await do_something(world, 2)
    gate, inside = asyncio.Event(), asyncio.Event()

    class Slow(_Receiver):
        async def deliver(self, resources: Any) -> list[tuple[int, int]]:
            inside.set()
            await gate.wait()
            return await super().deliver(resources)

    slow, other = Slow([[]]), _Receiver([[]])
    first = asyncio.create_task(Forwarder(world.hub, slow, Reviewer(world.hub.audit.keys)).forward())
    await inside.wait()
    second = await Forwarder(world.hub, other, Reviewer(world.hub.audit.keys)).forward()
    gate.set()

    assert (second, other.taken) == (0, [])
    assert await first == len(slow.taken) > 0


async def test_another_hub_takes_the_feed(settings: Settings, tmp_path: Path) -> None:
    """The feed of one hub is received by the feed door of another, at a real port."""
    import uvicorn

    other = Settings(home=tmp_path / "other", cookie_secure=False, second_factor="optional")
    (tmp_path / "other").mkdir()
    from app.db.migrate import upgrade

    await asyncio.to_thread(upgrade, other)
    async with running(settings) as world, running(other) as receiver:
        secret = (await receiver.client("hospital-b"))["Authorization"].removeprefix("Bearer ")
        (port,) = free_ports(1)
        server = uvicorn.Server(uvicorn.Config(receiver.app, port=port, lifespan="off", log_level="critical"))
        serving = asyncio.create_task(server.serve())
        chosen = settings.model_copy(
            update={"audit_feed": f"http://127.0.0.1:{port}/atna/fhir", "audit_feed_token": secret}
        )
        await do_something(world, 2)
        forwarder = Forwarder(world.hub, destinations(chosen)[0], Reviewer(world.hub.audit.keys))
        await forwarded(forwarder)
        auditor = await receiver.client("audit-office", role="auditor")
        query = f"date=ge2020&date=lt2100&_source={receiver.hub.settings.address}/atna/hospital-b"
        answer = await receiver.http.get(f"/fhir/AuditEvent?{query}", headers=auditor)
        server.should_exit = True
        await serving

    codes = [one["resource"]["subtype"][0]["code"] for one in answer.json()["entry"]]
    assert codes.count("create") == 2


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"entry": [{"response": {"status": "201"}}]}, []),
        ({"entry": [{"response": {"status": "422 No"}}]}, [(0, 422)]),
        ({"entry": [{"response": {"status": "503"}}]}, None),
        ({"entry": [{"response": {"status": "429"}}]}, None),
        ({"entry": []}, None),
        ({}, None),
    ],
)
def test_the_answer_of_a_receiver_is_read(body: Any, refused: list[tuple[int, int]] | None) -> None:
    from app.audit.atna.by_feed import NotDelivered, _refused

    if refused is None:
        with pytest.raises(NotDelivered):
            _refused(orjson.dumps(body), 1)
    else:
        assert _refused(orjson.dumps(body), 1) == refused


def test_a_receiver_that_ends_first_has_not_read_it(tmp_path: Path) -> None:
    """What ends the connection before the hub does may have read nothing: the batch is to be sent again."""
    import socket
    import threading

    from app.audit.atna.by_syslog import Receiver, deliver

    authority = Authority(tmp_path)
    certificate, key = authority.issue("receiver")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(20)

    def dies() -> None:
        plain, _ = listening.accept()
        secured = context.wrap_socket(plain, server_side=True)
        os.close(secured.detach())

    thread = threading.Thread(target=dies, daemon=True)
    thread.start()
    receiver = Receiver("localhost", listening.getsockname()[1], authority.path)
    try:
        with pytest.raises(OSError, match=r"."):
            # More than the buffers between the two hold, so that it is not all read when the end comes.
            deliver(receiver, [b"x" * 900_000] * 20)
    finally:
        thread.join()
        listening.close()
