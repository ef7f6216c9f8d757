"""An application whose every connection is within bounds, those that it makes and those that it takes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part08/sect_9.3.html
"""

import socket
import ssl
from typing import Any

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.transport import AddressInformation, RequestHandler

from dicom.services.transport import BoundedSocket, guard


class BoundedEntity(AE):
    """An application that asks, and takes what it asked for.

    Args:
        title: Its AE title.
        seconds: How long a connection may say nothing, and a PDU may take.
    """

    def __init__(self, title: str, *, seconds: float) -> None:
        super().__init__(title)
        self._seconds = self.network_timeout = seconds

    def bounded(
        self,
        association: Association,
        connection: socket.socket | None = None,
        address: AddressInformation | None = None,
    ) -> BoundedSocket:
        """Return the connection of an association, and let nothing that comes by it do more than end that.

        Args:
            association: Whose it is.
            connection: One that was taken, or None for one that is to be made.
            address: Where one that is to be made starts from.
        """
        guard(association)
        bounds = {"most_bytes": self.maximum_pdu_size, "seconds": self._seconds}
        return BoundedSocket(association, connection, address, **bounds)  # type: ignore[arg-type]

    def _create_socket(
        self, assoc: Association, address: AddressInformation, tls_args: tuple[ssl.SSLContext, str] | None
    ) -> BoundedSocket:
        made = self.bounded(assoc, address=address)
        made.tls_args = tls_args
        return made

    def make_server(self, *arguments: Any, **how: Any) -> Any:
        """Return a server, of pynetdicom's arguments, whose connections are within the bounds."""
        return super().make_server(*arguments, request_handler=_Taken, **how)


class _Taken(RequestHandler):
    def _create_association(self) -> Association:
        made = super()._create_association()
        # The socket that it has, has said that there is one; the next says it again.
        made.dul.event_queue.get_nowait()
        entity: BoundedEntity = self.ae  # type: ignore[assignment] # which alone makes such servers
        made.dul.socket = entity.bounded(made, self.request)
        return made
