"""An association that the hub asks for: to send what a C-MOVE wants elsewhere, and to report a storage commitment.

https://dicom.nema.org/medical/dicom/current/output/chtml/part08/sect_7.html
"""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from pynetdicom._globals import MODE_REQUESTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation

from dicom.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom.services.acceptor import REQUEST_SECONDS, Bounds
from dicom.services.messages import Messages, Spool
from dicom.services.transport import BoundedSocket, guard

MOST_CONTEXTS = 128
"""Of one association: their ids are the odd numbers of one byte."""


class NotReached(Exception):
    """There is no association: its text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an application is.

    Attributes:
        title: Its AE title.
        host: Its name or address.
        port: Its port.
        secured: How the connection is secured; None for a plain one.
    """

    title: str
    host: str
    port: int
    secured: ssl.SSLContext | None = None


class Requested:
    """An association that is open as long as the block in which it is used.

    Args:
        place: With whom.
        calling: The hub's AE title.
        contexts: Classes, each with the transfer syntaxes that one context of it proposes.
        bounds: What it may take.
        serves: Whether the hub is the one who serves: it reports, and does not ask.
    """

    def __init__(
        self,
        place: Place,
        calling: str,
        contexts: Iterable[tuple[str, tuple[str, ...]]],
        bounds: Bounds,
        *,
        serves: bool = False,
    ) -> None:
        self._place, self._calling, self._bounds, self._serves = place, calling, bounds, serves
        self._contexts = [*contexts][:MOST_CONTEXTS]
        self.association: Association | None = None

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            NotReached: it cannot be.
        """
        try:
            association = self._made()
        except (OSError, ValueError, TypeError) as error:
            raise NotReached(f"{self._place.title} cannot be reached: {error}") from error
        association.request()
        if not association.is_established:
            association.kill()
            raise NotReached(f"{self._place.title} cannot be reached, or takes no association")
        self.association = association
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it, or abort it when something failed."""
        if self.association is not None and self.association.is_established:
            if kind is None:
                self.association.release()
            else:
                self.association.abort()

    @property
    def open(self) -> Association:
        """The association.

        Raises:
            NotReached: it is not open.
        """
        if self.association is None or not self.association.is_established:
            raise NotReached(f"The association with {self._place.title} has ended")
        return self.association

    def takes(self) -> dict[tuple[str, str], int]:
        """Return the contexts that were agreed on, by class and transfer syntax."""
        return {
            (str(one.abstract_syntax), str(one.transfer_syntax[0])): one.context_id or 0
            for one in self.open.accepted_contexts
        }

    def _made(self) -> Association:
        bounds = self._bounds
        entity = ApplicationEntity(ae_title=self._calling)
        entity.acse_timeout = entity.connection_timeout = REQUEST_SECONDS
        entity.dimse_timeout, entity.network_timeout = bounds.answer_seconds, bounds.idle_seconds
        made = Association(entity, MODE_REQUESTOR)
        guard(made)
        made.dimse = Messages(made, _no_spool, most_bytes=0, seconds=bounds.read_seconds)
        # Its own thread never runs: who uses it asks for answers itself.
        made._is_paused = True
        there = AddressInformation(self._place.host, self._place.port)
        here = AddressInformation("0.0.0.0" if there.is_ipv4 else "::", 0)  # noqa: S104 - where it starts from
        connection = BoundedSocket(made, address=here, most_bytes=bounds.pdu_bytes, seconds=bounds.read_seconds)
        if self._place.secured is not None:
            connection.tls_args = (self._place.secured, self._place.host)
        made.set_socket(connection)
        made.acceptor.ae_title, made.acceptor.address_info = self._place.title, there
        requestor = made.requestor
        requestor.address_info, requestor.ae_title, requestor.maximum_length = here, self._calling, bounds.pdu_bytes
        requestor.implementation_class_uid = IMPLEMENTATION_CLASS_UID  # type: ignore[assignment]
        requestor.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        requestor.requested_contexts = [_context(number, one) for number, one in enumerate(self._contexts)]
        for uid in {abstract for abstract, _ in self._contexts} if self._serves else ():
            role = SCP_SCU_RoleSelectionNegotiation()
            role.sop_class_uid, role.scu_role, role.scp_role = uid, False, True
            requestor.add_negotiation_item(role)
        return made


def _no_spool(_: DIMSEMessage) -> Spool:
    raise ValueError("Nothing is stored on an association that the hub asks for")


def _context(number: int, proposed: tuple[str, tuple[str, ...]]) -> PresentationContext:
    made = PresentationContext()
    made.context_id = 2 * number + 1
    made.abstract_syntax = proposed[0]
    made.transfer_syntax = list(proposed[1])
    return made
