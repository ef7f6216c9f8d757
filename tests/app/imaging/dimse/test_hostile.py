"""Octets of strangers and of known nodes that misbehave: each ends its own connection, and nothing stays behind."""

import asyncio
import random
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.imaging.images import CT, a_file, stored, uids
from tests.dimse import (
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    VERIFICATION,
    a_node,
    aside,
    associated,
    associating,
    taking,
    until,
)
from tests.world import World, running

pytestmark = pytest.mark.anyio

SECONDS = 15
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(content)) + content


def a_request(title: str = "HOSPITAL-A", abstract: str = CT_CLASS, contexts: int = 1, takes: str = "") -> bytes:
    """Return an A-ASSOCIATE-RQ; of the last context the class is `takes`, if it names one, and the peer its SCP."""
    syntax = item(0x40, b"1.2.840.10008.1.2.1")
    classes = [abstract.encode()] * contexts + ([takes.encode()] if takes else [])
    proposed = b"".join(
        item(0x20, bytes([(2 * n + 1) & 0xFF, 0, 0, 0]) + item(0x30, one) + syntax) for n, one in enumerate(classes)
    )
    role = item(0x54, struct.pack(">H", len(takes)) + takes.encode() + b"\0\1") if takes else b""
    user = item(0x50, item(0x51, struct.pack(">L", 16_384)) + item(0x52, b"1.2.3") + role)
    content = struct.pack(">HH", 1, 0) + b"RENKEI".ljust(16) + title.encode().ljust(16) + bytes(32)
    content += item(0x10, b"1.2.840.10008.3.1.1.1") + proposed + user
    return struct.pack(">BBL", 1, 0, len(content)) + content


def a_piece(content: bytes, control: int) -> bytes:
    """Return a P-DATA-TF."""
    value = struct.pack(">LBB", len(content) + 2, 1, control) + content
    return struct.pack(">BBL", 4, 0, len(value)) + value


def a_command(**elements: Any) -> bytes:
    """Return a command set: a C-STORE unless something else is said."""
    numbers = {"field": (0x0100, 0x0001), "message": (0x0110, 1), "priority": (0x0700, 0), "data": (0x0800, 1)}
    group = b""
    for name, (element, value) in numbers.items():
        group += struct.pack("<HHLH", 0, element, 2, elements.get(name, value))
    texts = [(0x0002, elements.get("sop_class", CT_CLASS)), (0x1000, elements.get("uid", "1.2.3.4"))]
    if "destination" in elements:
        texts[1] = (0x0600, elements["destination"])
    for element, text in texts:
        padded = text.encode() + b"\0" * (len(text) % 2)
        group += struct.pack("<HHL", 0, element, len(padded)) + padded
    return struct.pack("<HHLL", 0, 0, 4, len(group)) + group


def accepted(connection: socket.socket) -> bool:
    """Return whether an association is accepted: its answer is read."""
    head = connection.recv(6, socket.MSG_WAITALL)
    if len(head) == 6:
        connection.recv(int.from_bytes(head[2:], "big"), socket.MSG_WAITALL)
    return head[:1] == b"\2"


def heard(port: int, *pieces: bytes, keep: bool = False) -> bytes:
    """Send octets and return all that comes back until the hub ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        found = b""
        try:
            for number, piece in enumerate(pieces):
                connection.sendall(piece)
                # What comes before the association is there ends it, whatever it is.
                if not number and len(pieces) > 1 and not accepted(connection):
                    break
            if not keep:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65_536):
                found += chunk
        except (ConnectionError, BrokenPipeError):
            pass
    return found


def garbage() -> list[bytes]:
    """Return what is no DICOM, and mutations of what is."""
    seeded = random.Random(7)
    valid = a_request() + a_piece(a_command(), 3) + a_piece(b"\x08\0\x16\0UI\x04\x001.2\0", 2)
    found = [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\1\0\1\xfc", b"\1\0\0\0\0\0", b"\xff" * 64]
    for _ in range(40):
        octets = bytearray(valid)
        for _ in range(seeded.randint(1, 6)):
            octets[seeded.randrange(len(octets))] = seeded.randrange(256)
        found.append(bytes(octets[: seeded.randrange(len(octets))] if seeded.random() < 0.3 else octets))
    return found


async def test_any_octets_are_an_answer_or_an_end_and_leave_nothing(settings: Settings, world: World) -> None:
    await a_node(world)
    async with associating(world.hub) as door:
        for octets in garbage():
            await aside(heard, door.port, octets)
        await until(lambda: not door._open)
        assert (sum(door._connected.values()), sum(door._associated.values())) == (0, 0)

        def works() -> bool:
            with associated(door, VERIFICATION) as association:
                return association.send_c_echo().Status == 0

        assert await aside(works)
        assert list(world.hub.settings.home.rglob("incoming-*")) == []
    assert {one.interaction for one in await recorded(settings)} <= {"node-authentication", "c-store"}


LARGE = struct.pack(">BBL", 4, 0, 0xFFFFFFF0)
CASES = {
    "a PDU of 4 GB before anything": [struct.pack(">BBL", 1, 0, 0xFFFFFFF0), bytes(4096)],
    "a PDU of 4 GB of data": [a_request(), LARGE, bytes(4096)],
    "a command set without end": [a_request(), *[a_piece(bytes(16_000), 1)] * 8],
    "data before any command": [a_request(), a_piece(b"data", 2)],
    "a data set of no class": [a_request(), a_piece(a_command(uid="../../x"), 3), a_piece(b"x" * 100, 2)],
    "a query without end": [a_request(), a_piece(a_command(field=0x20), 3), *[a_piece(bytes(100_000), 0)] * 200],
    "ten requests at once": [a_request(), *[a_piece(a_command(), 3), a_piece(b"x", 2)] * 30],
    "an abort in the middle of an instance": [
        a_request(),
        a_piece(a_command(), 3),
        a_piece(bytes(50_000), 0),
        struct.pack(">BBLL", 7, 0, 4, 0),
    ],
    "a PDU of nothing": [struct.pack(">BBL", 1, 0, 0)],
    "data of nothing": [a_request(), *[struct.pack(">BBL", 4, 0, 0)] * 20],
    "a piece that says it is longer": [a_request(), struct.pack(">BBLLBB", 4, 0, 6, 0xFFFFFFFF, 1, 3)],
    "a piece of no length": [a_request(), struct.pack(">BBLL", 4, 0, 4, 0)],
    "a context that was never agreed on": [a_request(), a_piece(a_command(), 3).replace(b"\1\3", b"\x63\3", 1)],
    "a class that nobody knows": [a_request(abstract="1.2.840.10008.1.9999"), a_piece(a_command(), 3)],
    "a hundred and thirty contexts": [a_request(contexts=130), a_piece(a_command(), 3)],
    "half an instance, and gone": [a_request(), a_piece(a_command(), 3), a_piece(bytes(10_000), 0)],
}


async def test_what_exceeds_a_bound_ends_and_the_memory_stays(world: World) -> None:
    await a_node(world)
    async with associating(world.hub) as door:
        for name, pieces in CASES.items():
            began = time.monotonic()
            await aside(heard, door.port, *pieces)
            assert time.monotonic() - began < SECONDS, name
            await until(lambda: not door._open)
            assert list(world.hub.settings.home.rglob("incoming-*")) == [], name
    assert (await world.http.get("/dicomweb/instances", headers=await world.client("hospital-a"))).json() == []


async def test_who_is_slow_is_not_waited_for(settings: Settings) -> None:
    quick = {"dimse_read_seconds": 0.3, "dimse_idle_seconds": 0.4}
    async with running(settings.model_copy(update=quick)) as world, associating(world.hub) as door:
        await a_node(world)

        def slowly(*pieces: bytes) -> float:
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", door.port), timeout=SECONDS) as connection:
                connection.sendall(a_request())
                connection.recv(10)
                try:
                    for piece in pieces:
                        for octet in piece:
                            connection.sendall(bytes([octet]))
                            time.sleep(0.05)
                    while connection.recv(65_536):
                        pass
                except ConnectionError:
                    pass
            return time.monotonic() - began

        in_a_pdu = await aside(slowly, a_piece(a_command(), 3))
        silent = await aside(slowly)
        pieces = [a_piece(a_command(), 3), *[a_piece(b"x", 0)] * 100]
        steady = await aside(slowly, *[pieces[0][:1]])
        await until(lambda: not door._open)

    assert max(in_a_pdu, silent, steady) < 8


async def test_connections_are_bounded_before_they_say_anything(settings: Settings) -> None:
    few = {"dimse_associations": 2, "dimse_associations_each": 2}
    async with running(settings.model_copy(update=few)) as world, associating(world.hub) as door:
        await a_node(world)

        def flood() -> int:
            held = [socket.create_connection(("127.0.0.1", door.port), timeout=SECONDS) for _ in range(4)]
            refused = 0
            for _ in range(5):
                with socket.create_connection(("127.0.0.1", door.port), timeout=SECONDS) as more:
                    refused += more.recv(1) == b""
            for one in held:
                one.close()
            return refused

        assert await aside(flood) == 5
        await until(lambda: not door._open)
    told = [one for one in await recorded(settings) if one.interaction == "node-authentication"]
    assert {one.outcome_desc for one in told} == {"Too many DICOM connections"}


async def test_who_reads_nothing_more_during_a_c_get_is_left_and_others_are_served(settings: Settings) -> None:
    quick = {"dimse_read_seconds": 0.5, "dimse_idle_seconds": 0.5, "dimse_answer_seconds": 1.0}
    large = a_file(CT, Rows=2048, Columns=4096, PixelData=bytes(2048 * 4096 * 2))
    study, _, _ = uids(large)
    wanted = identifier((0x00080052, b"CS", b"STUDY "), (0x0020000D, b"UI", padded(study)))
    command = a_command(field=0x10, sop_class=STUDY_ROOT_GET)
    async with running(settings.model_copy(update=quick)) as world, associating(world.hub) as door:
        await a_node(world)
        hospital = await world.client("hospital-a")
        await stored(world, hospital, large)
        connection = socket.create_connection(("127.0.0.1", door.port), timeout=SECONDS)
        connection.sendall(a_request(abstract=STUDY_ROOT_GET, takes=CT_CLASS))
        assert await aside(accepted, connection)
        connection.sendall(a_piece(command, 3) + a_piece(wanted, 2))
        await until(lambda: door._open)

        while door._open:
            assert (await world.http.get(f"/dicomweb/studies?StudyInstanceUID={study}", headers=hospital)).json()
            await asyncio.sleep(0.05)

        came = 0
        with connection, suppress(ConnectionError):
            while chunk := await aside(connection.recv, 1 << 20):
                came += len(chunk)
        assert 20_000 < came < len(large)
        assert (sum(door._connected.values()), sum(door._associated.values())) == (0, 0)


@pytest.mark.parametrize("end", [struct.pack(">BBLL", 7, 0, 4, 0), b""], ids=["abort", "gone"])
async def test_a_c_move_whose_asker_is_gone_sends_no_more(world: World, end: bytes) -> None:
    files = [a_file(CT, SOPInstanceUID=f"1.2.3.{number}", PixelData=bytes(128 * 128 * 2)) for number in range(20)]
    await stored(world, await world.client("hospital-a"), *files)
    study, _, _ = uids(files[0])
    wanted = identifier((0x00080052, b"CS", b"STUDY "), (0x0020000D, b"UI", padded(study)))
    command = a_command(field=0x21, sop_class=STUDY_ROOT_MOVE, destination="WORKSTATION ")
    async with associating(world.hub) as door:
        connection = socket.create_connection(("127.0.0.1", door.port), timeout=SECONDS)

        def meanwhile() -> None:
            if len(came) == 2:
                connection.sendall(end)
                connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.05)

        with connection, taking("WORKSTATION", meanwhile=meanwhile) as (port, came):
            await a_node(world)
            await a_node(world, name="ws", title="WORKSTATION", host="127.0.0.1", port=port)
            connection.sendall(a_request(abstract=STUDY_ROOT_MOVE))
            assert await aside(accepted, connection)
            connection.sendall(a_piece(command, 3) + a_piece(wanted, 2))
            await until(lambda: len(came) > 1)
            await until(lambda: not door._open)

    assert 2 <= len(came) < 10


def identifier(*elements: tuple[int, bytes, bytes]) -> bytes:
    """Return a data set in Explicit VR Little Endian."""
    return b"".join(
        struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value for tag, vr, value in elements
    )


def padded(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


async def test_two_hundred_that_come_at_once_have_places_or_are_turned_away_and_http_goes_on(world: World) -> None:
    await a_node(world)
    hospital = await world.client("hospital-a")
    async with associating(world.hub) as door:
        answers: list[bool] = []

        def call(held: threading.Event) -> None:
            with (
                socket.create_connection(("127.0.0.1", door.port), timeout=SECONDS) as connection,
                suppress(ConnectionError),
            ):
                try:
                    connection.sendall(a_request())
                    is_accepted = accepted(connection)
                except ConnectionError:
                    is_accepted = False
                answers.append(is_accepted)
                connection.sendall(a_piece(a_command(), 3) + a_piece(bytes(5_000), 0))
                held.wait(SECONDS)

        held = threading.Event()
        threads = [threading.Thread(target=call, args=(held,), daemon=True) for _ in range(200)]
        for one in threads:
            one.start()
        served = 0
        while len(answers) < 200 or served < 5:
            assert (await world.http.get("/dicomweb/studies", headers=hospital)).status_code == 200
            served += 1
        held.set()
        for one in threads:
            await aside(one.join)
        await until(lambda: not door._open)

    assert sum(answers) == 10
    assert list(world.hub.settings.home.rglob("incoming-*")) == []
