"""Systems that speak HL7 v2 with a hub of these tests."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.exchange.mllp.frames import framed
from app.exchange.mllp.listener import Listener
from app.exchange.mllp.source import Binding, add_source
from app.hub import Hub
from tests.world import World

SECONDS = 20
"""After so long without an answer a test fails."""

_opened: list["Line"] = []


def a_message(*lines: str, kind: str = "ADT^A08", id: str = "1", **header: str) -> str:
    """Return a message; `header` gives fields of MSH: `f18="UNICODE UTF-8"`."""
    fields = {
        "f3": "EHR",
        "f4": "A",
        "f5": "HUB",
        "f6": "REGION",
        "f7": "20260401120000",
        "f9": kind,
        "f10": id,
        "f11": "P",
        "f12": "2.5",
        **header,
    }
    last = max(int(name[1:]) for name in fields)
    head = "|".join(["MSH", "^~\\&", *[fields.get(f"f{number}", "") for number in range(3, last + 1)]])
    return "".join(f"{line}\r" for line in (head, *lines))


@dataclass
class Line:
    """A connection to a hub's MLLP door."""

    listener: Listener
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.writer.write(octets)
        await self.writer.drain()

    async def answer(self) -> str:
        """Return the next message that comes, empty when the connection ends before."""
        async with asyncio.timeout(SECONDS):
            try:
                found = await self.reader.readuntil(b"\x1c\r")
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                return ""
        assert found.startswith(b"\x0b")
        octets = found[1:-2]
        return octets.decode("iso2022_jp" if b"\x1b" in octets else "utf-8")

    async def say(self, message: str | bytes, charset: str = "utf-8") -> str:
        """Send a message and return its answer."""
        await self.send(framed(message if isinstance(message, bytes) else message.encode(charset)))
        return await self.answer()

    async def has_ended(self) -> bool:
        """Return whether the hub ends the connection and says nothing more."""
        return await self.answer() == ""

    async def close(self) -> None:
        """End the connection."""
        self.writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            async with asyncio.timeout(2):
                await self.writer.wait_closed()


@asynccontextmanager
async def listening(hub: Hub) -> AsyncIterator[Listener]:
    """Open the hub's MLLP door."""
    listener = Listener(hub)
    listener.open()
    serving = asyncio.create_task(listener.serve())
    try:
        yield listener
    finally:
        while _opened:
            await _opened.pop().close()
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await listener.close()


async def add_binding(world: World, binding: Binding) -> None:
    """Let a client of the test's region send."""
    async with world.hub.database.write() as connection:
        await add_source(connection, binding)


async def a_line(listener: Listener, context: ssl.SSLContext | None = None) -> Line:
    """Connect."""
    name = "localhost" if context is not None else None
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, ssl=context, server_hostname=name)
    _opened.append(Line(listener, reader, writer))
    return _opened[-1]


@asynccontextmanager
async def speaking(world: World, site: str = "hospital-a", **binding: str) -> AsyncIterator[Line]:
    """Connect in the name of a site's system, known by its address."""
    await world.client(site)
    stated = {"name": site, "client": f"{site}-system", "network": "127.0.0.1", **binding}
    await add_binding(world, Binding(**stated))
    async with listening(world.hub) as listener:
        yield await a_line(listener)


def fields(answer: str, name: str) -> list[list[str]]:
    """Return the segments of a name, each as its fields; of MSH so that `[3]` is field 3."""
    found = [line.split("|") for line in answer.split("\r") if line.startswith(name)]
    return [[one[0], "|", *one[1:]] if name == "MSH" else one for one in found]


def outcome(answer: str) -> tuple[str, ...]:
    """Return MSA-1, MSA-2, and of each ERR its place and its code."""
    ((_, code, *rest),) = fields(answer, "MSA")
    errors = [f"{one[2]} {one[3].partition('^')[0]}" for one in fields(answer, "ERR")]
    return (code, rest[0] if rest else "", *errors)
