"""Connections of an application that asks: what the other side may send, and what is left of it."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pynetdicom import AE, build_context, evt

from dicom.services.entity import BoundedEntity

VERIFICATION = "1.2.840.10008.1.1"
SECONDS = 10.0
STREAMED_BYTES = 64 * 1_048_576
TAKEN_BYTES = 16 * 1_048_576
"""More than a PDU may have, and what the kernel keeps on its way."""

P_DATA_OF_2_GB = struct.pack(">BBL", 4, 0, 1 << 31)
REQUEST_OF_2_GB = struct.pack(">BBL", 1, 0, 1 << 31)


@contextmanager
def accepting(then: Callable[[socket.socket], None]) -> Iterator[int]:
    """Accept associations, do something to the connection of each, and yield the port."""
    entity = AE(ae_title="PACS")
    entity.add_supported_context(VERIFICATION)
    done = threading.Event()

    def established(event: Any) -> None:
        then(event.assoc.dul.socket.socket)
        done.set()

    handlers: list[Any] = [(evt.EVT_ESTABLISHED, established)]
    server: Any = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.socket.getsockname()[1]
        assert done.wait(SECONDS)
    finally:
        server.shutdown()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, or fail."""
    ends = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < ends, "It does not come to hold"
        time.sleep(0.01)


def reset(connection: socket.socket) -> None:
    """Go without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def streamed(connection: socket.socket, head: bytes) -> int:
    """Send a PDU that has no end, and return how much of it was taken."""
    connection.settimeout(SECONDS)
    sent = 0
    with suppress(ConnectionError):
        connection.sendall(head)
        while sent < STREAMED_BYTES:
            sent += connection.send(bytes(65_536))
    return sent


def test_of_a_peer_that_has_gone_no_socket_is_left_open() -> None:
    with accepting(reset) as port:
        association = BoundedEntity("HUB", seconds=SECONDS).associate(
            "127.0.0.1", port, [build_context(VERIFICATION)], ae_title="PACS"
        )
        until(lambda: not association.dul.is_alive())
        assert association.dul.socket is not None
        left = association.dul.socket.socket

    assert left is None or left.fileno() == -1


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_of_a_connection_that_was_refused_no_socket_is_left_open() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        association = BoundedEntity("HUB", seconds=SECONDS).associate(
            "127.0.0.1", probe.getsockname()[1], [build_context(VERIFICATION)], ae_title="PACS"
        )

    assert not association.is_established


def test_no_pdu_of_a_peer_is_larger_than_was_agreed_on() -> None:
    sent: list[int] = []
    with accepting(lambda connection: sent.append(streamed(connection, P_DATA_OF_2_GB))) as port:
        association = BoundedEntity("HUB", seconds=SECONDS).associate(
            "127.0.0.1", port, [build_context(VERIFICATION)], ae_title="PACS"
        )
        until(lambda: not association.dul.is_alive())

    assert not association.is_established
    assert sent[0] < TAKEN_BYTES


def test_no_request_of_a_peer_is_larger_than_any_request_is() -> None:
    entity = BoundedEntity("HUB", seconds=SECONDS)
    entity.add_supported_context(VERIFICATION)
    server: Any = entity.start_server(("127.0.0.1", 0), block=False)
    try:
        with socket.create_connection(server.socket.getsockname(), SECONDS) as connection:
            sent = streamed(connection, REQUEST_OF_2_GB)
        known = AE(ae_title="PACS").associate(
            "127.0.0.1", server.socket.getsockname()[1], [build_context(VERIFICATION)]
        )
        answered = known.send_c_echo().Status
        known.release()
    finally:
        server.shutdown()

    assert sent < TAKEN_BYTES
    assert answered == 0
