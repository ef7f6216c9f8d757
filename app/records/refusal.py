"""A call of somebody unknown is recorded as well."""

from collections.abc import Mapping
from typing import Any

from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.hub import Hub


async def record_refusal(hub: Hub, scope: Mapping[str, Any], reason: str) -> bool:
    """Record that a call was refused before anything was decided; return whether that could be done."""
    client = scope.get("client")
    event = Event(
        recorded=hub.clock(),
        action="E",
        interaction="refused",
        outcome="8",
        outcome_desc=reason,
        network=client[0] if client else None,
        method=scope["method"],
        path=scope["path"][:2000],
    )
    try:
        await hub.audit.append([event])
    except AuditUnavailable:
        return False
    return True
