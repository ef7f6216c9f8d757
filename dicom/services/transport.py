"""The connection of an association, within bounds: no PDU is larger than it may be, and none takes for ever.

https://dicom.nema.org/medical/dicom/current/output/chtml/part08/sect_9.3.html
"""

import logging
import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pynetdicom.pdu_primitives import A_P_ABORT
from pynetdicom.transport import T_CONNECT, AddressInformation, AssociationSocket

if TYPE_CHECKING:
    from pynetdicom.association import Association

SMALLEST_BOUND_BYTES = 1_048_576
"""Of a PDU that is taken, whatever was agreed on: a request for an association may name many syntaxes."""

logger = logging.getLogger(__name__)

_BUSY_SECONDS = 0.1
_REST_MILLISECONDS = 20
"""How long a connection on which nothing happens is waited for at a time."""


class BoundedSocket(AssociationSocket):
    """A connection that is read and written within bounds.

    Args:
        association: Whose it is.
        connection: The connection, or None for one that is to be made.
        address: Where one that is to be made starts from.
        most_bytes: The largest PDU.
        seconds: How long a PDU may take to come in, and a piece of one to go out.
    """

    def __init__(
        self,
        association: "Association",
        connection: socket.socket | None = None,
        address: AddressInformation | None = None,
        *,
        most_bytes: int,
        seconds: float,
    ) -> None:
        self._most_bytes = max(most_bytes, SMALLEST_BOUND_BYTES)
        self._seconds = seconds
        self._busy = time.monotonic()
        super().__init__(association, client_socket=connection, address=address)
        self.settle()

    def settle(self) -> None:
        """Set what every connection has: no packet waits for the other side, nothing blocks for ever."""
        if self.socket is not None:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket.settimeout(self._seconds)

    def connect(self, primitive: T_CONNECT) -> None:
        """Connect; what fails is told by the primitive."""
        super().connect(primitive)
        self.settle()

    def _shutdown_socket(self) -> None:
        """End the connection; one that was never made has a file to be closed as well."""
        connection = self.socket
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    @property
    def ready(self) -> bool:
        """Whether there is something to read; one that has long been silent is asked less often.

        It asks `poll`, since `select` takes no file of a number above 1023.
        """
        connection = self.socket
        if connection is None or not self._is_connected:
            return False
        if getattr(connection, "pending", int)():
            return True
        wait = 0 if time.monotonic() - self._busy < _BUSY_SECONDS else _REST_MILLISECONDS
        try:
            poll = select.poll()
            poll.register(connection, select.POLLIN)
            found = bool(poll.poll(wait))
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False
        if found:
            self._busy = time.monotonic()
        return found

    def recv(self, nr_bytes: int) -> bytearray:
        """Return so many bytes, fewer when the connection ends before.

        Raises:
            OSError: they are more than a PDU may have, or took too long.
        """
        if nr_bytes > self._most_bytes:
            raise OSError("The PDU is larger than was agreed on")
        if self.socket is None:
            raise OSError("The connection has ended")
        found = bytearray(nr_bytes)
        view, got, deadline = memoryview(found), 0, time.monotonic() + self._seconds
        while got < nr_bytes:
            count = self.socket.recv_into(view[got:])
            if not count:
                break
            got += count
            if time.monotonic() > deadline and got < nr_bytes:
                raise TimeoutError("The PDU takes too long")
        view.release()
        del found[got:]
        return found


def guard(association: "Association") -> None:
    """Let what breaks the order of an association's events end it, and nothing else.

    A peer that sends something else while its request is answered finds pynetdicom in no state for it.
    """
    dul = association.dul
    dul.daemon = True
    run = dul.run

    def guarded() -> None:
        try:
            run()
        except Exception as error:
            logger.info("An association ended out of order: %s", error)
            association.is_aborted, association.is_established = True, False
            dul.to_user_queue.put(A_P_ABORT())
            association.dimse.msg_queue.put((None, None))

    setattr(dul, "run", guarded)  # noqa: B010 - a method of this one alone
