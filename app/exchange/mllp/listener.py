"""The MLLP door of one process: connections, their bounds, and who is at their other end.

A connection is a source's before anything is read from it. What it sends is answered one message after the other, and
each answer leaves after its transaction. https://profiles.ihe.net/ITI/TF/Volume2/ITI-19.html
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.access.door_tls import secured
from app.access.peer import Peer, peer_of
from app.access.turned_away import tell_failure
from app.background import again, started
from app.connections import connections, listening
from app.db import DatabaseUnavailable
from app.exchange.mllp import metrics
from app.exchange.mllp.answered import forget
from app.exchange.mllp.conversation import Conversation, Stranger
from app.exchange.mllp.frames import Bounds, Frames, FrameTooLarge, MalformedFrame, framed
from app.exchange.mllp.source import known_sources
from app.hub import Hub

DOOR = "MLLP"
HANDSHAKE_SECONDS = 10.0
WRITE_SECONDS = 30.0
"""How long a sender may take to read an answer."""

STOP_SECONDS = 20.0
"""How long the messages in work may take when the hub ends."""

FORGET_SECONDS = 3600.0
"""How often old answers are forgotten."""

logger = logging.getLogger(__name__)


def is_wanted(hub: Hub) -> bool:
    """Return whether there is a door."""
    return hub.settings.mllp_port != 0


class Listener:
    """The MLLP door of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sources = known_sources(hub.database)
        self._connected: Counter[str] = Counter()
        self._idle: set[asyncio.Task[None]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._working = 0
        self._ending = False
        self._serving: asyncio.Task[None] | None = None
        self._socket: socket.socket | None = None
        self._secured: ssl.SSLContext | None = None
        self.port = 0
        """The port that is listened on, once it is."""

    def open(self) -> None:
        """Listen; several processes of the hub share the port.

        Raises:
            OSError: the address or a certificate cannot be used.
        """
        settings = self._hub.settings
        self._secured = secured(settings, "mllp")
        self._socket = listening(settings.mllp_address, settings.mllp_port)
        self.port = self._socket.getsockname()[1]

    async def serve(self) -> None:
        """Take connections until it is cancelled, or the door is closed."""
        self._serving = asyncio.current_task()
        assert self._socket is not None  # noqa: S101 - it is open
        async for connection, network in connections(self._socket, logger):
            task = asyncio.create_task(self._enter(connection, network))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @property
    def is_working(self) -> bool:
        """Whether a message is carried out just now."""
        return self._working > 0

    async def close(self) -> None:
        """Take no more connections, end those that wait, and let the messages in work be answered."""
        self._ending = True
        if self._serving is not None and self._serving is not asyncio.current_task():
            # Before its socket: the loop still watches it.
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
        for task in list(self._idle):
            task.cancel()
        if self._tasks:
            _, working = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in working:
                task.cancel()
            await asyncio.gather(*working, return_exceptions=True)

    async def _enter(self, connection: socket.socket, network: str) -> None:
        metrics.CONNECTIONS.inc()
        self._connected[network] += 1
        try:
            settings = self._hub.settings
            if self._connected.total() > settings.mllp_connections:
                await self._turn_away(connection, network, "Too many connections")
            elif self._connected[network] > settings.mllp_connections_each:
                await self._turn_away(connection, network, "Too many connections of one address")
            else:
                await self._serve_one(connection, network)
        except asyncio.CancelledError:
            logger.info("An MLLP connection is ended")
        except Exception:
            logger.exception("An MLLP connection failed")
        finally:
            metrics.CONNECTIONS.dec()
            self._connected[network] -= 1
            if not self._connected[network]:
                del self._connected[network]

    async def _turn_away(self, connection: socket.socket, network: str, reason: str) -> None:
        connection.close()
        metrics.REFUSED.labels("connections").inc()
        await tell_failure(self._hub, DOOR, network, reason)

    async def _serve_one(self, connection: socket.socket, network: str) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=65_536)
        protocol = asyncio.StreamReaderProtocol(reader)
        handshake = HANDSHAKE_SECONDS if self._secured is not None else None
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, connection, ssl=self._secured, ssl_handshake_timeout=handshake
            )
        except (OSError, ssl.SSLError, TimeoutError) as error:
            connection.close()
            metrics.REFUSED.labels("handshake").inc()
            await tell_failure(self._hub, DOOR, network, f"The TLS handshake failed: {error}")
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await self._talk(reader, writer, peer_of(network, writer.get_extra_info("ssl_object")))
        finally:
            await _end(writer)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer) -> None:
        settings = self._hub.settings
        bounds = Bounds(settings.mllp_frame_bytes, settings.mllp_idle_seconds, settings.mllp_read_seconds)
        frames = Frames(reader, bounds)
        conversation = Conversation(self._hub, self._sources, peer)
        try:
            await conversation.known()
            await self._answer_all(frames, writer, conversation)
        except Stranger as error:
            metrics.REFUSED.labels("unknown").inc()
            await tell_failure(self._hub, DOOR, peer.network, str(error), peer)
        except DatabaseUnavailable as error:
            # Who is at the other end cannot be told now: the sender comes again.
            logger.warning("An MLLP connection is ended: %s", error)
        except FrameTooLarge as error:
            metrics.REFUSED.labels("frame").inc()
            await _say(writer, conversation.too_large(error))
            await tell_failure(self._hub, DOOR, peer.network, str(error), peer, minor=True)
        except MalformedFrame as error:
            metrics.REFUSED.labels("frame").inc()
            await tell_failure(self._hub, DOOR, peer.network, str(error), peer, minor=True)
        except (TimeoutError, OSError) as error:
            # Nothing came, a message did not end, or the other end is gone.
            logger.info("An MLLP connection ended: %r", error)
        finally:
            metrics.SKIPPED.inc(frames.skipped)

    async def _answer_all(self, frames: Frames, writer: asyncio.StreamWriter, conversation: Conversation) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        stream = aiter(frames)
        while not self._ending:
            self._idle.add(task)
            try:
                message = await anext(stream, None)
            finally:
                self._idle.discard(task)
            if message is None:
                return
            self._working += 1
            try:
                for answer in await conversation.answers(message):
                    await _say(writer, answer)
            finally:
                self._working -= 1


async def _say(writer: asyncio.StreamWriter, answer: bytes) -> None:
    writer.write(framed(answer))
    async with asyncio.timeout(WRITE_SECONDS):
        await writer.drain()


async def _end(writer: asyncio.StreamWriter) -> None:
    """End a connection whose other end may never say that it has heard of it."""
    writer.close()
    with suppress(OSError, ssl.SSLError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
            return
    writer.transport.abort()


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Open the door, if one is wanted, and return what closes it."""
    return started(_run(hub), "MLLP door")


async def _run(hub: Hub) -> None:
    if not is_wanted(hub):
        return
    listener = Listener(hub)
    try:
        listener.open()
    except (OSError, ssl.SSLError) as error:
        logger.exception("The MLLP door cannot be opened")
        hub.notes.append(f"The MLLP door cannot be opened: {error}")
        return
    forgetting = started(_forget(hub), "MLLP answers")
    try:
        await listener.serve()
    finally:
        await listener.close()
        await forgetting()


async def _forget(hub: Hub) -> None:
    """Forget old answers now and then."""
    await again(
        lambda: forget(hub.database, hub.clock()),
        FORGET_SECONDS,
        logger,
        waits="Old answers to HL7 messages are kept for now",
        fails="Old answers to HL7 messages cannot be removed",
    )
