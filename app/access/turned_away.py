"""What the audit log is told of connections and messages that come to nothing at the doors beside HTTP.

IHE ITI-19, Node Authentication.
"""

import logging

from app.access.peer import Peer
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.hub import Hub

LONGEST = 300
"""Characters of a reason that are kept."""

logger = logging.getLogger(__name__)


async def tell_failure(
    hub: Hub, door: str, network: str, reason: str, peer: Peer | None = None, *, minor: bool = False
) -> None:
    """Record that a connection was refused or ended; a flood of them does not become one of records.

    Args:
        hub: The running hub.
        door: Which door it was.
        network: The address it came from.
        reason: Why.
        peer: The other end, where its handshake was done.
        minor: Whether it was known, and only sent what is no message.
    """
    if hub.limits.refusal(network) and not hub.limits.is_told(door, network):
        return
    shown = f" ({peer.subject}, {peer.certificate})" if peer is not None and peer.certificate else ""
    event = Event(
        recorded=hub.clock(),
        action="E",
        interaction="node-authentication",
        outcome="4" if minor else "8",
        outcome_desc=f"{reason[:LONGEST]}{shown[:LONGEST]}",
        network=network or None,
        description=door,
    )
    try:
        await hub.audit.append([event])
    except AuditUnavailable as error:
        logger.critical("A refusal cannot be recorded: %s", error)
