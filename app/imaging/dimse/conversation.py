"""What one association says, message by message; it is spoken in the association's own thread.

Whose it is is asked again with each message: a node that is removed is heard no more.
"""

import logging
from collections import Counter
from typing import Any, Protocol

from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_FIND, C_GET, C_MOVE, C_STORE, N_ACTION

from app.access.peer import Peer, peer_that_showed
from app.access.turned_away import tell_failure
from app.blobs import Incoming
from app.db import DatabaseUnavailable
from app.imaging.dimse import metrics
from app.imaging.dimse.answer_action import answer_action
from app.imaging.dimse.answer_find import answer_find
from app.imaging.dimse.answer_retrieve import answer_retrieve
from app.imaging.dimse.answers import finish, refuse
from app.imaging.dimse.calls import Calls
from app.imaging.dimse.carried_out import Done, carried_out
from app.imaging.dimse.node import Node, Nodes
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.store import begun, store
from app.imaging.undescribed.describe import describe_now
from dicom.failures import CANNOT_UNDERSTAND, DATA_SET_DOES_NOT_MATCH_SOP_CLASS
from dicom.services.acceptor import (
    CALLED_AE_TITLE_NOT_RECOGNISED,
    CALLING_AE_TITLE_NOT_RECOGNISED,
    LOCAL_LIMIT_EXCEEDED,
    TEMPORARY_CONGESTION,
    Acceptor,
    Asked,
    Rejection,
)
from dicom.services.commitment import Referenced
from dicom.services.contexts import VERIFICATION
from dicom.services.messages import DataSetIn, Spool
from dicom.services.statuses import (
    COERCION,
    OUT_OF_RESOURCES,
    SOP_CLASS_NOT_SUPPORTED,
    SUCCESS,
    UNRECOGNISED_OPERATION,
)
from dicom.values import is_uid

DOOR = "DIMSE"

logger = logging.getLogger(__name__)


class Stranger(Exception):
    """The application is not known any more."""


class TooFast(Exception):
    """The application would have to wait too long for its turn; nothing is done."""


class Places(Protocol):
    """The places of a door, which its associations take up."""

    def take(self, name: str) -> bool:
        """Take a place for a node; return whether there was one."""
        ...

    def leave(self, conversation: "Conversation", name: str) -> None:
        """Give a place back, if one was taken, and the connection's."""
        ...


class Conversation:
    """The messages of one association.

    Args:
        calls: By which the hub is asked.
        nodes: Who is known.
        places: Of which one is taken up.
    """

    def __init__(self, calls: Calls, nodes: Nodes, places: Places) -> None:
        self.calls = calls
        self.nodes = nodes
        self.peer = Peer("")
        self.is_working = False
        self.network = ""
        self._places = places
        self._node: Node | None = None
        self._brought: Counter[str] = Counter()

    @property
    def title(self) -> str:
        """The hub's AE title."""
        return self.calls.hub.settings.dimse_title

    def admit(self, association: Acceptor, asked: Asked) -> Rejection | None:  # noqa: ARG002 - as associations ask
        """Return why an association is rejected; None when it is not."""
        self.peer = peer_that_showed(asked.network, asked.certificate)
        if asked.called != self.title:
            self._tell("called", f"The called AE title is {asked.called!r}")
            return CALLED_AE_TITLE_NOT_RECOGNISED
        try:
            node = self.calls.wait_for(self.nodes.at(self.peer, asked.calling))
        except DatabaseUnavailable:
            return TEMPORARY_CONGESTION
        if node is None:
            self._tell("unknown", f"No DICOM node {asked.calling!r} is known to be there")
            return CALLING_AE_TITLE_NOT_RECOGNISED
        if not self._places.take(node.binding.name):
            self._tell("associations", f"Too many associations: {asked.calling!r}", minor=True)
            return LOCAL_LIMIT_EXCEEDED
        self._node = node
        return None

    def ended(self, association: Acceptor, reason: str) -> None:
        """Give the place back; a connection that never became an association is on record."""
        self._places.leave(self, self._node.binding.name if self._node is not None else "")
        if reason:
            peer = self.peer if self.peer.network else Peer(association.requestor.address)
            self.peer = peer
            try:
                self._tell("handshake", reason)
            except RuntimeError:
                # The hub ends.
                return

    def open_spool(self, message: DIMSEMessage, transfer_syntax: str) -> Spool:
        """Return where the data set of a C-STORE goes."""
        return begun(self.calls.hub, _named(message.command_set), transfer_syntax)

    def answer(self, association: Acceptor, message: Any, context_id: int) -> None:
        """Answer a message; what is known no more is not answered."""
        self.is_working = True
        try:
            self._answer(association, message, context_id)
        except Stranger as error:
            self._tell("unknown", str(error))
            association.abort()
        except TooFast as error:
            refuse(association, message, context_id, str(error))
        except DatabaseUnavailable as error:
            # Who is at the other end cannot be told now: it comes again.
            logger.warning("A DICOM association is ended: %s", error)
            association.abort()
        finally:
            self.is_working = False
            data = getattr(message, "DataSet", None)
            if isinstance(data, DataSetIn):
                data.forget()

    def request(self, interaction: str, pairs: list[tuple[str, str]]) -> DimseRequest:
        """Return a message as a request; a node that is too fast is held up.

        Raises:
            Stranger: the application is not known any more.
            TooFast: it would have to wait too long.
            DatabaseUnavailable: nobody knows.
        """
        return self.calls.wait_for(self._request(interaction, pairs))

    def _answer(self, association: Acceptor, message: Any, context_id: int) -> None:
        abstract, _ = association.context(context_id)
        reason = ""
        if isinstance(message, C_STORE):
            status, reason = self._store(message, abstract)
        elif isinstance(message, C_ECHO) and abstract == VERIFICATION:
            self.calls.wait_for(self._known())
            status = SUCCESS
        elif isinstance(message, C_FIND):
            answer_find(self, association, message, context_id)
            return
        elif isinstance(message, (C_MOVE, C_GET)):
            answer_retrieve(self, association, message, context_id)
            return
        elif isinstance(message, N_ACTION):
            answer_action(self, association, message, context_id)
            return
        else:
            status = UNRECOGNISED_OPERATION
        finish(association, message, context_id, status, reason)

    def _store(self, message: C_STORE, abstract: str) -> tuple[int, str]:
        """Store an instance and return the status, and why it is not stored."""
        data = message.DataSet
        if message.AffectedSOPClassUID != abstract:
            return SOP_CLASS_NOT_SUPPORTED, "the class is not that of the context"
        if not isinstance(data, DataSetIn) or not data.size:
            return CANNOT_UNDERSTAND, "the data set is empty"
        if data.is_too_large:
            return OUT_OF_RESOURCES, "the instance is too large"
        if isinstance(data.failure, OSError):
            return OUT_OF_RESOURCES, ""
        if not isinstance(data.spool, Incoming):
            return DATA_SET_DOES_NOT_MATCH_SOP_CLASS, str(data.failure or "")
        request = self.request("c-store", [])
        named = Referenced(str(message.AffectedSOPClassUID), str(message.AffectedSOPInstanceUID))
        spool = data.spool

        async def work(asked: DimseRequest) -> str:
            return await store(asked, named, spool, self.calls.together)

        done: Done[str] = self.calls.wait_for(carried_out(request, work))
        if request.brought:
            self._brought[request.brought] += 1
        return (COERCION, done.result) if done.result else (done.code, done.reason)

    def leaving(self) -> None:
        """Have the studies described that the association has brought; of which it brought one instance alone, later.

        Some applications ask for an association for each instance.
        """
        grown = [uid for uid, instances in self._brought.items() if instances > 1]
        if grown and self._node is not None:
            self.calls.wait_for(describe_now(self.calls.hub, self._node.caller.organisation, grown))

    async def _known(self) -> Node:
        """Return the node, of now.

        Raises:
            Stranger: it is not known any more.
        """
        node = self._node
        now = await self.nodes.at(self.peer, node.binding.title) if node is not None else None
        if node is None or now is None or now.binding.name != node.binding.name:
            raise Stranger("The application is not known any more")
        return now

    async def _request(self, interaction: str, pairs: list[tuple[str, str]]) -> DimseRequest:
        now = await self._known()
        if not await self.calls.hub.limits.turn(now.caller):
            raise TooFast("These are too many messages; please wait")
        return DimseRequest(self.calls.hub, self.nodes, now, self.peer, interaction, pairs)

    def _tell(self, why: str, reason: str, *, minor: bool = False) -> None:
        metrics.REFUSED.labels(why).inc()
        hub = self.calls.hub
        self.calls.wait_for(tell_failure(hub, DOOR, self.peer.network, reason, self.peer, minor=minor))


def _named(command: Any) -> Referenced:
    """Return the UIDs of a C-STORE's command.

    Raises:
        ValueError: one is none.
    """
    found = Referenced(str(command.AffectedSOPClassUID), str(command.AffectedSOPInstanceUID))
    if not all(map(is_uid, found)):
        raise ValueError("the command names no instance")
    return found
