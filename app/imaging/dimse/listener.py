"""The DIMSE door of one process: connections, their bounds, and the threads in which associations are spoken.

A connection becomes an association only when its AE title and its address or certificate are a node's. What the threads
ask of the hub runs in its event loop. https://dicom.nema.org/medical/dicom/current/output/chtml/part08/PS3.8.html
"""

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable

from app.access.door_tls import secured
from app.access.turned_away import tell_failure
from app.background import started
from app.connections import connections, listening
from app.hub import Hub
from app.imaging.dimse import metrics
from app.imaging.dimse.calls import Calls
from app.imaging.dimse.conversation import DOOR, Conversation
from app.imaging.dimse.node import Nodes
from app.imaging.dimse.report import bounds_of
from app.imaging.dimse.report import start as start_reports
from dicom.services.acceptor import Acceptor

STOP_SECONDS = 20.0
"""How long the messages in work may take when the hub ends."""

_STOP_REST_SECONDS = 0.02

logger = logging.getLogger(__name__)


class Listener:
    """The DIMSE door of one process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._nodes = Nodes(hub.database)
        self._calls: Calls | None = None
        self._open: dict[Conversation, Acceptor] = {}
        self._connected: Counter[str] = Counter()
        self._associated: Counter[str] = Counter()
        self._serving: asyncio.Task[None] | None = None
        self._reporting: Callable[[], Awaitable[None]] | None = None
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
        self._secured = secured(settings, "dimse")
        self._socket = listening(settings.dimse_address, settings.dimse_port)
        self.port = self._socket.getsockname()[1]

    async def serve(self) -> None:
        """Take connections until it is cancelled, or the door is closed."""
        self._serving = asyncio.current_task()
        self._calls = calls = Calls(self._hub, asyncio.get_running_loop())
        self._reporting = start_reports(self._hub, calls, self._nodes)
        assert self._socket is not None  # noqa: S101 - it is open
        async for connection, network in connections(self._socket, logger):
            await self._enter(connection, network, calls)

    async def _enter(self, connection: socket.socket, network: str, calls: Calls) -> None:
        settings = self._hub.settings
        # Whoever is turned away has a place until it has heard of it: so many more than there are associations.
        room, each = settings.dimse_associations * 2, settings.dimse_associations + settings.dimse_associations_each
        if len(self._open) >= room or self._connected[network] >= each:
            connection.close()
            metrics.REFUSED.labels("connections").inc()
            await tell_failure(self._hub, DOOR, network, "Too many DICOM connections")
            return
        connection.setblocking(True)
        conversation = Conversation(calls, self._nodes, self)
        try:
            association = Acceptor(
                *(settings.dimse_title, connection, network, bounds_of(self._hub), conversation),
                secured=self._secured,
                unrestricted=settings.dimse_any_class,
            )
            self._open[conversation] = association
            self._connected[network] += 1
            metrics.ASSOCIATIONS.inc()
            conversation.network = network
            association.start()
        except (OSError, RuntimeError) as error:
            logger.warning("A DICOM connection cannot be served: %s", error)
            connection.close()
            self._left(conversation, "")

    def take(self, name: str) -> bool:
        """Take a place for a node; return whether there was one."""
        settings = self._hub.settings
        if self._associated.total() >= settings.dimse_associations:
            return False
        if self._associated[name] >= settings.dimse_associations_each:
            return False
        self._associated[name] += 1
        return True

    def leave(self, conversation: Conversation, name: str) -> None:
        """Give a place back, from the thread of an association that has ended."""
        try:
            conversation.calls.loop.call_soon_threadsafe(self._left, conversation, name)
        except RuntimeError:
            # The loop has ended, and the door with it.
            return

    def _left(self, conversation: Conversation, name: str) -> None:
        if self._open.pop(conversation, None) is not None:
            metrics.ASSOCIATIONS.dec()
            self._connected[conversation.network] -= 1
            self._connected += Counter()
        if name:
            self._associated[name] -= 1
            self._associated += Counter()

    async def close(self) -> None:
        """Take no more connections, and end the associations when the messages in work are answered."""
        if self._serving is not None and self._serving is not asyncio.current_task():
            # Before its socket: the loop still watches it.
            self._serving.cancel()
            await asyncio.gather(self._serving, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()
        if self._reporting is not None:
            await self._reporting()
        ends = asyncio.get_running_loop().time() + STOP_SECONDS
        while self._open:
            late = asyncio.get_running_loop().time() > ends
            for conversation, association in list(self._open.items()):
                if late or not conversation.is_working:
                    association.end()
            if late:
                return
            await asyncio.sleep(_STOP_REST_SECONDS)


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Open the door, if one is wanted, and return what closes it."""
    return started(_run(hub), "DIMSE door")


async def _run(hub: Hub) -> None:
    if not hub.settings.dimse_port:
        return
    listener = Listener(hub)
    try:
        listener.open()
    except (OSError, ssl.SSLError) as error:
        logger.exception("The DIMSE door cannot be opened")
        hub.notes.append(f"The DIMSE door cannot be opened: {error}")
        return
    try:
        await listener.serve()
    finally:
        await listener.close()
