"""An NTP server on this machine, whose clock is as wrong as a test wants.

RFC 5905, figure 8: https://www.rfc-editor.org/rfc/rfc5905#section-7.3
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.clock import now

SECOND = 1_000_000
NONCE = b"12345678"
SINCE_1900 = 2_208_988_800


def stamp(microseconds: int) -> bytes:
    seconds, rest = divmod(microseconds, SECOND)
    return struct.pack("!II", (seconds + SINCE_1900) % 2**32, (rest << 32) // SECOND)


def an_answer(
    *,
    there: int,
    back: int,
    leap: int = 0,
    mode: int = 4,
    stratum: int = 2,
    nonce: bytes = NONCE,
    name: bytes = b"GPS\0",
) -> bytes:
    head = struct.pack("!BBbbII4s", leap << 6 | 4 << 3 | mode, stratum, 6, -20, 0, 0, name)
    return head + stamp(there) + nonce + stamp(there) + stamp(back)


class Server(asyncio.DatagramProtocol):
    """An NTP server whose clock is wrong by `ahead` microseconds."""

    def __init__(self, ahead: int, **fields: int) -> None:
        self.ahead, self.fields = ahead, fields
        self.questions: list[bytes] = []
        self.asked_again = asyncio.Event()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        if self.questions:
            self.asked_again.set()
        self.questions.append(data)
        present = now() + self.ahead
        self.transport.sendto(an_answer(there=present, back=present, nonce=data[40:48], **self.fields), addr)


@asynccontextmanager
async def a_server(ahead: int, **fields: int) -> AsyncIterator[tuple[str, Server]]:
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Server(ahead, **fields), local_addr=("127.0.0.1", 0)
    )
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}", server
    finally:
        transport.close()
