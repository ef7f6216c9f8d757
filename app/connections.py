"""Connections of doors beside HTTP: where they are listened for, and how they come."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

BACKLOG = 128
_REST_SECONDS = 0.2


def listening(address: str, port: int) -> socket.socket:
    """Return a socket that listens; several processes of the hub share the port, a negative one is any that is free.

    Raises:
        OSError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.create_server((address, max(port, 0)), family=family, backlog=BACKLOG, reuse_port=port > 0)
    made.setblocking(False)
    return made


async def connections(listener: socket.socket, logger: logging.Logger) -> AsyncIterator[tuple[socket.socket, str]]:
    """Yield each connection that comes, and the address that it comes from."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            connection, address = await loop.sock_accept(listener)
        except OSError as error:
            # The process has no more files, or the sender is gone already: others wait meanwhile.
            logger.warning("A connection cannot be taken: %s", error)
            await asyncio.sleep(_REST_SECONDS)
            continue
        yield connection, str(address[0])
