"""Octets of strangers and of known nodes that misbehave: each ends its own connection, and nothing stays behind."""

import random
import socket
import struct
import time
from typing import Any

import pytest

from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.dimse import VERIFICATION, a_node, aside, associated, associating, until
from tests.world import World, running

pytestmark = pytest.mark.anyio

SECONDS = 15
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(content)) + content


def a_request(title: str = "HOSPITAL-A", abstract: str = CT_CLASS) -> bytes:
    """Return an A-ASSOCIATE-RQ."""
    syntaxes = item(0x30, abstract.encode()) + item(0x40, b"1.2.840.10008.1.2.1")
    user = item(0x50, item(0x51, struct.pack(">L", 16_384)) + item(0x52, b"1.2.3"))
    content = struct.pack(">HH", 1, 0) + b"RENKEI".ljust(16) + title.encode().ljust(16) + bytes(32)
    content += item(0x10, b"1.2.840.10008.3.1.1.1") + item(0x20, b"\1\0\0\0" + syntaxes) + user
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
    for element, text in ((0x0002, elements.get("sop_class", CT_CLASS)), (0x1000, elements.get("uid", "1.2.3.4"))):
        padded = text.encode() + b"\0" * (len(text) % 2)
        group += struct.pack("<HHL", 0, element, len(padded)) + padded
    return struct.pack("<HHLL", 0, 0, 4, len(group)) + group


def heard(port: int, *pieces: bytes, keep: bool = False) -> bytes:
    """Send octets and return all that comes back until the hub ends the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        found = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
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
