"""A DIMSE message as a request at the hub's gates."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from app.access.peer import Peer
from app.imaging.dimse.node import Node, Nodes
from app.imaging.request import DicomRequest
from app.records.request import replayed
from fhir.errors import Unauthorized

if TYPE_CHECKING:
    from app.hub import Hub


class DimseRequest(DicomRequest):
    """One message of an association.

    Args:
        hub: The running hub.
        nodes: Who is known.
        node: Whose association it is.
        peer: The other end.
        interaction: `c-store` for example.
        pairs: What is asked, as it is told to the audit log.

    Attributes:
        brought: The StudyInstanceUID of what a C-STORE brought, once it is stored.
    """

    def __init__(
        self,
        hub: "Hub",
        nodes: Nodes,
        node: Node,
        peer: Peer,
        interaction: str,
        pairs: Sequence[tuple[str, str]] = (),
    ) -> None:
        scope: dict[str, Any] = {
            "method": "DIMSE",
            "path": f"/dimse/{interaction}",
            "query_string": urlencode(pairs).encode("ascii"),
            "headers": [],
            "client": (peer.network, 0),
        }
        super().__init__(hub, scope, replayed(b""), node.caller)
        self.node = node
        self.peer = peer
        self.brought = ""
        self._nodes = nodes
        self.interaction = interaction
        self.action = _ACTIONS[interaction]

    async def renew(self) -> None:
        """Find the node again, after its rights may have changed; the authority follows.

        Raises:
            Unauthorized: it may not call any more.
        """
        found = await self._nodes.at(self.peer, self.node.binding.title)
        if found is None or found.binding.name != self.node.binding.name:
            raise Unauthorized("The application is not known any more")
        self.node = found
        # What was withdrawn since counts from then on: the rights are those of this instant.
        self.now = self.hub.clock() // 1000 * 1000
        self.decide(found.caller)


_ACTIONS = {"c-store": "C", "c-find": "E", "c-move": "R", "c-get": "R", "storage-commitment": "E"}
