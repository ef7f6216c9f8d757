"""An application whose every connection is within bounds, those that it makes and those that it takes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part08/sect_9.3.html
"""

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
        self.seconds = self.network_timeout = seconds

    def _create_socket(
        self, assoc: Association, address: AddressInformation, tls_args: tuple[ssl.SSLContext, str] | None
    ) -> BoundedSocket:
        guard(assoc)
        made = BoundedSocket(assoc, address=address, most_bytes=self.maximum_pdu_size, seconds=self.seconds)
        made.tls_args = tls_args
        return made

    def make_server(self, *arguments: Any, **how: Any) -> Any:
        """Return a server, of pynetdicom's arguments, whose connections are within the bounds."""
        return super().make_server(*arguments, request_handler=_Taken, **how)


class _Taken(RequestHandler):
    def _create_association(self) -> Association:
        made = super()._create_association()
        guard(made)
        # The socket that it has, has said that there is one; the next says it again.
        made.dul.event_queue.get_nowait()
        entity: BoundedEntity = self.ae  # type: ignore[assignment] # which alone makes such servers
        bounds = {"most_bytes": entity.maximum_pdu_size, "seconds": entity.seconds}
        made.dul.socket = BoundedSocket(made, self.request, **bounds)  # type: ignore[arg-type]
        return made
