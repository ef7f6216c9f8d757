"""A message on its way: who sent it, what it is, and the request that it makes at the hub's gates."""

from dataclasses import dataclass
from typing import Any

from app.access.peer import Peer
from app.exchange.hl7v2.message import Message
from app.exchange.mllp.source import Source
from app.hub import Hub
from app.records.request import FhirRequest, replayed


@dataclass(slots=True)
class Visit:
    """A message on its way.

    Attributes:
        request: By which the gates know it.
        source: Who sent it.
        message: The message.
        body: The same as it came.
        answered: What it is answered with, once that is kept.
    """

    request: FhirRequest
    source: Source
    message: Message
    body: bytes
    answered: list[bytes] | None = None


def request_of(hub: Hub, source: Source, peer: Peer, message: Message | None) -> FhirRequest:
    """Return the request that a message makes; of one that cannot be read it tells who sent it, no more."""
    control_id = message.control_id if message is not None else ""
    scope: dict[str, Any] = {
        "method": "MLLP",
        "path": f"/mllp/{message.kind[:40] if message is not None else ''}",
        "query_string": b"",
        "headers": [(b"x-request-id", control_id.encode("latin-1", "replace")[:200])] if control_id else [],
        "client": (peer.network, 0),
    }
    return FhirRequest(hub, scope, replayed(b""), source.caller)
