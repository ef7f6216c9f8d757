"""What a command of the operator did, in the audit log."""

from app.audit.record import Event
from app.backup.events import CLIENT, account
from app.hub import Hub


async def record(hub: Hub, interaction: str, words: str) -> None:
    """Record what was done, durably.

    Raises:
        AuditUnavailable: it cannot be written.
    """
    event = Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        client=CLIENT,
        user_name=account(),
        description=words,
    )
    await hub.audit.append([event])
