"""ITI-20 over syslog and TLS: a door for systems that send audit messages of DICOM.

A sender is known by its client certificate, which the secretariat has written down with the client: so each message is
kept under its site. What was read is durable before more is read; a sender that is faster waits.
https://profiles.ihe.net/ITI/TF/Volume2/ITI-20.html, RFC 5425
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable

from sqlalchemy import bindparam, select

from app.access.certificate import thumbprint
from app.access.tables import client, organisation
from app.access.tls import context_of
from app.audit.inbound.arrived import of_syslog
from app.audit.inbound.frames import MalformedFrame, content, frames
from app.audit.inbound.stored import Arrived, Source, store
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.background import started
from app.db import DatabaseUnavailable
from app.hub import Hub

MOST_CONNECTIONS = 200
MOST_OF_ONE = 20
"""Connections of one client at once."""

HANDSHAKE_SECONDS = 10.0
IDLE_SECONDS = 3600.0
BATCH = 100
"""Messages that are kept in one transaction."""

RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)

_BY_CERTIFICATE = (
    select(organisation.c.key, organisation.c.resource_id, client.c.id)
    .join(organisation, organisation.c.key == client.c.organisation)
    .where(client.c.certificate == bindparam("certificate"), client.c.disabled == 0)
)


class Door:
    """The syslog door of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._connected: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        """The port that is listened on, once it is."""

    async def open(self) -> asyncio.Server:
        """Listen; several processes of the hub share the port.

        Raises:
            OSError: the address or a certificate cannot be used.
        """
        settings = self._hub.settings
        server = await asyncio.start_server(
            self._enter,
            settings.host,
            max(settings.syslog_port, 0),
            ssl=self._context(),
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            reuse_port=settings.syslog_port > 0,
            limit=65_536,
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    def _context(self) -> ssl.SSLContext:
        settings = self._hub.settings
        if settings.tls_certificate is None or settings.client_authority is None:
            raise OSError("syslog needs RENKEI_TLS_CERTIFICATE, RENKEI_TLS_KEY and RENKEI_CLIENT_AUTHORITY")
        made = context_of(settings)
        # Systems that send audit messages are older than others; the guideline allows 1.2 where it is needed.
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        return made

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (MalformedFrame, TimeoutError, OSError) as error:
            logger.warning("A syslog connection ended: %s", error)
        except asyncio.CancelledError:
            logger.info("A syslog connection is ended")
        except Exception:
            logger.exception("A syslog connection failed")
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if not reader.at_eof() else writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        network = str((writer.get_extra_info("peername") or ("",))[0])
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        rows = await self._hub.database.reader.fetch(_BY_CERTIFICATE, {"certificate": thumbprint(shown)})
        if not rows:
            await self._refuse(network, "No client of the hub has this certificate")
            return
        key, resource_id, name = rows[0]
        if self._connected.total() >= MOST_CONNECTIONS or self._connected[name] >= MOST_OF_ONE:
            await self._refuse(network, "Too many connections")
            return
        self._connected[name] += 1
        try:
            await self._take(reader, Source(int(key), f"Organization/{resource_id}", str(name), network))
        finally:
            self._connected[name] -= 1

    async def _refuse(self, network: str, reason: str) -> None:
        if self._hub.limits.refusal(network):
            return
        event = Event(
            recorded=self._hub.clock(),
            action="E",
            interaction="node-authentication",
            outcome="8",
            outcome_desc=reason,
            network=network or None,
            description="ITI-20",
        )
        try:
            await self._hub.audit.append([event])
        except AuditUnavailable as error:
            logger.critical("A refusal cannot be recorded: %s", error)

    async def _take(self, reader: asyncio.StreamReader, source: Source) -> None:
        """Keep what one sender sends; what was read in full is kept though the stream breaks."""
        queue: asyncio.Queue[Arrived | None] = asyncio.Queue(BATCH)

        async def read() -> None:
            try:
                async for message in frames(reader, IDLE_SECONDS):
                    await queue.put(of_syslog(content(message), self._hub.clock()))
            finally:
                await queue.put(None)

        reading = asyncio.create_task(read())
        try:
            while True:
                batch, ended = await _some(queue)
                if batch:
                    await self._keep(source, batch)
                if ended:
                    break
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _keep(self, source: Source, batch: list[Arrived]) -> None:
        """Keep a batch, however long the database is away; meanwhile nothing more is read."""
        while True:
            try:
                await store(self._hub, source, batch)
            except DatabaseUnavailable as error:
                logger.warning("Received audit messages wait for the database: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return


async def _some(queue: "asyncio.Queue[Arrived | None]") -> tuple[list[Arrived], bool]:
    """Return what waits in a queue, one at least, and whether it was the last."""
    batch: list[Arrived] = []
    one = await queue.get()
    while one is not None:
        batch.append(one)
        if len(batch) == BATCH or queue.empty():
            return batch, False
        one = queue.get_nowait()
    return batch, True


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Open the door, if one is wanted, and return what closes it."""
    return started(_run(hub), "syslog door")


async def _run(hub: Hub) -> None:
    if not hub.settings.syslog_port:
        return
    door = Door(hub)
    try:
        server = await door.open()
    except (OSError, ssl.SSLError):
        logger.exception("The syslog door cannot be opened")
        return
    try:
        async with server:
            await server.serve_forever()
    finally:
        await door.close()
