"""The audit events of access: who did it, from where, and to whom."""

from typing import Any

from app.access.caller import Caller
from app.audit.record import Event
from app.hub import Hub


def event(
    hub: Hub, interaction: str, *, network: str = "", path: str = "", client: str = "portal", **fields: Any
) -> Event:
    """Return an event of now.

    Args:
        hub: The running hub.
        interaction: Its name in `app.audit.patterns`.
        network: The address the request came from.
        path: The form's address; empty for a command.
        client: `portal`, or `renkei` for the command line.
        fields: What else is known.
    """
    return Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        client=client,
        network=network or None,
        method="POST" if path else None,
        path=path or None,
        **fields,
    )


def by(caller: Caller) -> dict[str, Any]:
    """Return the fields that say who did it."""
    return {
        "user": caller.user or None,
        "user_name": caller.user_title or None,
        "organisation": caller.organisation_reference or None,
        "role": caller.role,
        "purpose": caller.purpose,
    }
