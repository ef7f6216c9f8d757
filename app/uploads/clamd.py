"""A virus scanner: clamd's INSTREAM, over a local socket or TCP.

https://docs.clamav.net/manual/Usage/Scanning.html#clamd
"""

import asyncio

WAIT_SECONDS = 60.0
CHUNK_BYTES = 65_536
MOST_REPLY = 4_096


class NotScanned(Exception):
    """The scanner cannot be asked, or does not say that it looked."""


async def _open(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("/"):
        return await asyncio.open_unix_connection(address)
    host, _, port = address.rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port))


async def _asked(address: str, body: bytes) -> str:
    reader, writer = await _open(address)
    try:
        writer.write(b"zINSTREAM\0")
        for start in range(0, len(body), CHUNK_BYTES):
            chunk = body[start : start + CHUNK_BYTES]
            writer.write(len(chunk).to_bytes(4) + chunk)
            await writer.drain()
        writer.write(bytes(4))
        await writer.drain()
        return (await reader.read(MOST_REPLY)).rstrip(b"\0\n").decode(errors="replace")
    finally:
        writer.close()


async def scan(address: str, body: bytes) -> str | None:
    """Return the name of what was found in a file; None when nothing was.

    Args:
        address: The socket's path, or `host:port`.
        body: The file.

    Raises:
        NotScanned: the scanner does not answer in time, or did not look at the whole file.
    """
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            reply = await _asked(address, body)
    except (OSError, TimeoutError, ValueError) as error:
        raise NotScanned(f"{type(error).__name__}: {error}") from error
    if reply == "stream: OK":
        return None
    if reply.startswith("stream: ") and reply.endswith(" FOUND"):
        return reply.removeprefix("stream: ").removesuffix(" FOUND")
    raise NotScanned(reply or "no answer")
