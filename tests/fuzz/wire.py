"""HTTP/1.1 over one kept connection, for requests that no client library would send."""

import asyncio
import gzip
from dataclasses import dataclass

LONGEST_SECONDS = 120
"""An answer that takes longer has failed."""


@dataclass(frozen=True)
class Answer:
    """What came back, unpacked; status 0 when the connection ended before an answer was whole."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Return a header's value, empty when it is not there."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.strip().lower() == name:
                return value.strip()
        return b""


class Wire:
    """A connection to one port of this machine, opened anew when the server ends it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, octets: bytes, *, head: bool = False) -> Answer:
        """Send octets and return the answer; `head` says that it has no body."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        try:
            writer.write(octets)
            answer = await asyncio.wait_for(_answer(reader, head), LONGEST_SECONDS)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            await self.close()
            return Answer(0, repr(error).encode(), b"")
        if answer.header(b"connection").lower() == b"close" or answer.status == 0:
            await self.close()
        return answer

    async def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _answer(reader: asyncio.StreamReader, head_only: bool) -> Answer:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    answer = Answer(status, head, b"")
    if head_only or status in (204, 304):
        return answer
    if answer.header(b"transfer-encoding").lower() == b"chunked":
        return Answer(status, head, await _chunks(reader))
    length = answer.header(b"content-length")
    body = await (reader.readexactly(int(length)) if length else reader.read())
    return Answer(status, head, gzip.decompress(body) if answer.header(b"content-encoding") == b"gzip" else body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(parts)
