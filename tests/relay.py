"""Passes connections on, between ports of 127.0.0.1 and sockets in folders: those reach into a network of its own.

python -m tests.relay unix:/tmp/http=tcp:8042 tcp:11113=unix:/tmp/back
"""

import asyncio
import sys
from collections.abc import Sequence


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _opened(place: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    kind, _, name = place.partition(":")
    if kind == "unix":
        return await asyncio.open_unix_connection(name)
    return await asyncio.open_connection("127.0.0.1", int(name))


async def relay(here: str, there: str) -> asyncio.Server:
    """Listen at a place, `tcp:PORT` or `unix:PATH`, and pass each connection on to another."""

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            other_reader, other_writer = await _opened(there)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, other_writer), _pump(other_reader, writer))

    kind, _, name = here.partition(":")
    if kind == "unix":
        return await asyncio.start_unix_server(passed_on, name)
    return await asyncio.start_server(passed_on, "127.0.0.1", int(name))


async def _main(pairs: Sequence[str]) -> None:
    servers = [await relay(*one.split("=", 1)) for one in pairs]
    await asyncio.gather(*(one.serve_forever() for one in servers))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
