"""One association that a peer has asked for: let in or rejected, and its messages given to those who answer them.

It runs in threads of its own (pynetdicom's). https://dicom.nema.org/medical/dicom/current/output/chtml/part08/PS3.8.html
"""

import logging
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from pynetdicom import _config
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.ae import ApplicationEntity
from pynetdicom.association import Association
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.pdu_primitives import A_ASSOCIATE
from pynetdicom.transport import AddressInformation

from dicom.file_meta import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom.services.contexts import supported
from dicom.services.messages import Messages, Spool
from dicom.services.transport import BoundedSocket, guard

# What a peer sends is not written to a log, and what it breaks is told by who answers it.
_config.LOG_HANDLER_LEVEL = "none"
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)

HANDSHAKE_SECONDS = 10.0
REQUEST_SECONDS = 10.0
"""How long a peer may take to ask for an association, and to release one."""
_REST_SECONDS = 0.02

CALLED_AE_TITLE_NOT_RECOGNISED = (1, 1, 7)
CALLING_AE_TITLE_NOT_RECOGNISED = (1, 1, 3)
LOCAL_LIMIT_EXCEEDED = (2, 3, 2)
TEMPORARY_CONGESTION = (2, 3, 1)
"""Result, source and reason of a rejection (PS3.8 table 9-21)."""

Rejection = tuple[int, int, int]
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an association may take.

    Attributes:
        pdu_bytes: The largest PDU that is announced; `dicom.services.transport` says how much is read.
        instance_bytes: The largest instance.
        idle_seconds: How long nothing may come.
        read_seconds: How long a PDU, and any message, may take to come in.
        answer_seconds: How long a peer may take to answer a message.
    """

    pdu_bytes: int
    instance_bytes: int
    idle_seconds: float
    read_seconds: float
    answer_seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for an association.

    Attributes:
        calling: Its AE title.
        called: The one it asks for.
        network: Its address.
        certificate: What it has shown, DER; empty for nothing.
    """

    calling: str
    called: str
    network: str
    certificate: bytes = field(default=b"", repr=False)


class Answering(Protocol):
    """Who answers one association; its methods are called in the association's thread, and may block."""

    def admit(self, association: "Acceptor", asked: Asked) -> Rejection | None:
        """Return why the association is rejected; None when it is not. What it raises rejects as well."""
        ...

    def open_spool(self, message: DIMSEMessage, transfer_syntax: str) -> Spool:
        """Return where the data set of a C-STORE goes."""
        ...

    def answer(self, association: "Acceptor", message: Any, context_id: int) -> None:
        """Answer a message; what it raises ends the association."""
        ...

    def leaving(self) -> None:
        """Do what is to be done before the peer hears that it is released; what it raises is passed over."""
        ...

    def ended(self, association: "Acceptor", reason: str) -> None:
        """Hear that the association has ended: with a reason when it was never one."""
        ...


class Acceptor(Association):
    """An association that a peer has asked for.

    Args:
        title: The AE title that is called.
        connection: The connection that was taken; it is ended in any case.
        network: The address of the peer.
        bounds: What it may take.
        answering: Who answers it.
        secured: How the connection is secured; None for a plain one.
        unrestricted: Whether private and unknown classes are stored.
    """

    def __init__(
        self,
        title: str,
        connection: socket.socket,
        network: str,
        bounds: Bounds,
        answering: Answering,
        *,
        secured: ssl.SSLContext | None = None,
        unrestricted: bool = False,
    ) -> None:
        super().__init__(_entity(title, bounds), MODE_ACCEPTOR)
        self.name = "dimse association"
        self.bounds = bounds
        guard(self)
        self.dimse: Messages = Messages(
            self, self._spool, most_bytes=bounds.instance_bytes, seconds=bounds.read_seconds
        )
        self.acceptor.maximum_length = bounds.pdu_bytes
        self.acceptor.ae_title = title
        self.acceptor.implementation_class_uid = IMPLEMENTATION_CLASS_UID  # type: ignore[assignment]
        self.acceptor.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        self.acceptor.address_info = AddressInformation.from_tuple(connection.getsockname())
        self.requestor.address_info = AddressInformation(network.partition("%")[0], 0)
        self._connection = connection
        self._network = network
        self._answering = answering
        self._secured = secured
        self._unrestricted = unrestricted
        self._certificate = b""
        self._admitted = False
        self._reason = ""

    def run(self) -> None:
        """Serve the association, from its handshake to its end."""
        try:
            if self._shake_hands():
                super().run()
        except Exception as error:
            logger.exception("An association failed")
            self._reason = f"The association failed: {type(error).__name__}"
        finally:
            self._admitted = False
            self.dul.kill_dul()
            self.dimse.forget()
            self._connection.close()
            self._answering.ended(self, self._reason)

    def _shake_hands(self) -> bool:
        try:
            if self._secured is not None:
                self._connection.settimeout(HANDSHAKE_SECONDS)
                wrapped = self._secured.wrap_socket(self._connection, server_side=True)
                self._connection = wrapped
                self._certificate = wrapped.getpeercert(binary_form=True) or b""
            limits = {"most_bytes": self.bounds.pdu_bytes, "seconds": self.bounds.read_seconds}
            self.set_socket(BoundedSocket(self, self._connection, **limits))  # type: ignore[arg-type]
        except (OSError, ValueError) as error:
            self._reason = f"The TLS handshake failed: {error}"
            return False
        return True

    def run_reactor(self) -> None:
        """Let the peer in, or not, and answer it until the association ends."""
        self.dul.start()
        self._started_dul = True
        self._dul_ready.wait()
        request = self._awaited()
        if request is None:
            return
        self.requestor.primitive = request
        rejection = self._rejection(request)
        if rejection is None:
            self._admitted = True
            self.acse.negotiate_association()
        else:
            self.acse.send_reject(*rejection)
            self.is_rejected = True
            self.kill()
        if self.is_established:
            self._run_reactor()

    def _awaited(self) -> A_ASSOCIATE | None:
        """Return what the peer asks for; None when it does not, and goes or waits too long."""
        ends = time.monotonic() + REQUEST_SECONDS
        while time.monotonic() < ends and self.dul.is_alive():
            request: Any = self.dul.receive_pdu(wait=True, timeout=_REST_SECONDS)
            if request is not None:
                return request if isinstance(request, A_ASSOCIATE) else None
            if self.dul.socket is None or self.dul.socket.socket is None:
                return None
        return None

    def _rejection(self, request: A_ASSOCIATE) -> Rejection | None:
        """Return why the peer is not let in; whatever fails here keeps it out."""
        try:
            proposed = request.presentation_context_definition_list
            self.acceptor.supported_contexts = supported(proposed, unrestricted=self._unrestricted)
            calling, called = (str(one or "").strip() for one in (request.calling_ae_title, request.called_ae_title))
            return self._answering.admit(self, Asked(calling, called, self._network, self._certificate))
        except Exception:
            logger.exception("An association cannot be let in")
            return TEMPORARY_CONGESTION

    def _spool(self, message: DIMSEMessage) -> Spool:
        context = self._accepted_cx.get(message.context_id or 0)
        if context is None or not self._admitted:
            raise ValueError("The message is of no context that was agreed on")
        return self._answering.open_spool(message, str(context.transfer_syntax[0]))

    def _run_reactor(self) -> None:
        """Answer messages until the association ends.

        Unlike pynetdicom's own this waits for messages, and does not ask a thousand times a second.
        """
        while not self._kill:
            context_id, message = self.dimse.next(_REST_SECONDS)
            if message is not None:
                self._serve_request(message, context_id or 0)
            if self.is_established and self.acse.is_release_requested():
                self._take_leave()
                self.acse.send_release(is_response=True)
                self.is_released, self.is_established = True, False
                self.kill()
            elif self.acse.is_aborted():
                self.is_aborted, self.is_established = True, False
                self.kill()
            elif not self.dul.is_alive():
                self.kill()
            elif self.dul.idle_timer_expired():
                self.abort()

    def _serve_request(self, msg: Any, context_id: int) -> None:
        if not msg.is_valid_request or context_id not in self._accepted_cx or not self._admitted:
            self.abort()
            return
        self.dimse.cancel_req = {}
        try:
            self._answering.answer(self, msg, context_id)
        except Exception:
            logger.exception("A DIMSE message could not be answered")
            self.abort()
        # What was done may have taken longer than a peer may be silent.
        self.dul._idle_timer.restart()

    def _take_leave(self) -> None:
        try:
            self._answering.leaving()
        except Exception:
            logger.exception("An association is released with something left undone")

    def end(self) -> None:
        """End the association from another thread; nothing waits for it."""
        self._kill = True
        with suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def context(self, context_id: int) -> tuple[str, str]:
        """Return the class and the transfer syntax of a context that was agreed on."""
        found = self._accepted_cx[context_id]
        return str(found.abstract_syntax), str(found.transfer_syntax[0])

    def takes(self) -> Mapping[tuple[str, str], int]:
        """Return the contexts under which the peer takes instances, by class and transfer syntax (C-GET)."""
        return {self.context(number): number for number, one in self._accepted_cx.items() if one.as_scu}

    def is_cancelled(self, message_id: int) -> bool:
        """Whether the peer has taken a request back, or is gone: its end is heard only after the answer."""
        return message_id in self.dimse.cancel_req or not self.is_established or self.acse.is_aborted()


def _entity(title: str, bounds: Bounds) -> ApplicationEntity:
    """Return what an association of pynetdicom wants to belong to; its own bounds do not count here."""
    made = ApplicationEntity(ae_title=title)
    made.maximum_associations = 1_000_000
    made.acse_timeout = REQUEST_SECONDS
    made.dimse_timeout = bounds.answer_seconds
    made.network_timeout = bounds.idle_seconds
    made.connection_timeout = HANDSHAKE_SECONDS
    return made
