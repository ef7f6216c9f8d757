"""Asking an NTP server for the time: one packet there, one back.

RFC 5905, section 14 (SNTP), and figure 8 for the packet: https://www.rfc-editor.org/rfc/rfc5905#section-14
"""

import asyncio
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes

PORT = 123
PACKET_BYTES = 48
WAIT_SECONDS = 3.0
"""How long an answer is waited for."""

_FIRST = 4 << 3 | 3
"""No leap second known, version 4, mode 3 (client)."""
_MODE_SERVER = 4
_UNSYNCHRONISED = 3
"""The leap indicator of a server that has no time itself."""
_WORST_STRATUM = 15
_PACKET = struct.Struct("!BBbbII4s8s8s8s8s")
_SINCE_1900 = 2_208_988_800
"""Seconds from 1900 to 1970."""
_ERA = 1 << 32
"""Seconds of an era of NTP; the first ends in 2036."""


class NoTime(Exception):
    """A server gave no time that could be used."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a server told of our clock."""

    offset: int
    """What has to be added to our clock to be that of the server, in microseconds."""
    delay: int
    """Of the way there and back, in microseconds; the offset is exact to half of it."""
    stratum: int
    """How far the server is from a clock of its own; 1 has one."""


def _microseconds(stamp: bytes, near: int) -> int:
    """Return a timestamp of 32.32 bits as microseconds since 1970, of the era that is nearest to `near`."""
    seconds, fraction = struct.unpack("!II", stamp)
    found = int(seconds) - _SINCE_1900
    eras = round((near / 1_000_000 - found) / _ERA)
    return (found + eras * _ERA) * 1_000_000 + (int(fraction) * 1_000_000 >> 32)


def read(packet: bytes, nonce: bytes, sent: int, received: int) -> Told:
    """Return what an answer says.

    Args:
        packet: The answer.
        nonce: What the question carried as its transmit timestamp.
        sent: When it was sent, by our clock, in microseconds since 1970 UTC.
        received: When the answer came, likewise.

    Raises:
        NoTime: it is no answer to the question, or the server has no time.
    """
    if len(packet) < PACKET_BYTES:
        raise NoTime("the answer is too short")
    first, stratum, *_, reference, _, originate, arrived, left = _PACKET.unpack(packet[:PACKET_BYTES])
    if first & 7 != _MODE_SERVER or originate != nonce:
        raise NoTime("the answer is to another question")
    if stratum == 0:
        raise NoTime(f"the server refuses: {reference.decode('ascii', 'replace').strip(chr(0))}")
    if first >> 6 == _UNSYNCHRONISED or stratum > _WORST_STRATUM or not any(left):
        raise NoTime("the server is not synchronised itself")
    there, back = _microseconds(arrived, received), _microseconds(left, received)
    return Told(((there - sent) + (back - received)) // 2, max((received - sent) - (back - there), 0), int(stratum))


class _Answer(asyncio.DatagramProtocol):
    """Keeps the first packet that comes, and when it came by a clock that nobody sets."""

    def __init__(self) -> None:
        self.come: asyncio.Future[tuple[bytes, int]] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - the socket takes one address only
        if not self.come.done():
            self.come.set_result((data, time.monotonic_ns()))

    def error_received(self, exc: Exception) -> None:
        if not self.come.done():
            self.come.set_exception(exc)


def place(server: str) -> tuple[str, int]:
    """Return host and port of `host`, `host:port`, `[::1]` or `[::1]:port`.

    Raises:
        ValueError: the port is no number.
    """
    host, colon, port = server.rpartition(":")
    if not colon or (server.count(":") > 1 and not host.endswith("]")):
        host, port = server, str(PORT)
    return host.removeprefix("[").removesuffix("]"), int(port)


async def ask(server: str, *, clock: Callable[[], int], wait_seconds: float = WAIT_SECONDS) -> Told:
    """Return what a server says of our clock.

    The question carries a random number and no time: the server, and who listens, learns nothing of ours.

    Args:
        server: `host` or `host:port`.
        clock: Our clock, microseconds since 1970 UTC.
        wait_seconds: How long to wait.

    Raises:
        NoTime: it does not answer, or not with a time.
    """
    nonce = token_bytes(8)
    question = _PACKET.pack(_FIRST, 0, 0, 0, 0, 0, bytes(4), bytes(8), bytes(8), bytes(8), nonce)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(wait_seconds):
            transport, protocol = await loop.create_datagram_endpoint(_Answer, remote_addr=place(server))
            try:
                sent, began = clock(), time.monotonic_ns()
                transport.sendto(question)
                packet, ended = await protocol.come
                received = sent + (ended - began) // 1000
            finally:
                transport.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise NoTime(str(error) or "no answer in time") from error
    return read(packet, nonce, sent, received)
