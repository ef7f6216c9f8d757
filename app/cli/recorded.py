"""What a command of the operator did, in the audit log."""

from app.audit.record import Event
from app.backup.events import CLIENT, account
from app.hub import Hub


def told(hub: Hub, interaction: str, words: str) -> Event:
    """Return the event of what a command did, with the account that ran it."""
    return Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        client=CLIENT,
        user_name=account(),
        description=words,
    )


async def record(hub: Hub, interaction: str, words: str) -> None:
    """Record what was done, durably.

    Raises:
        AuditUnavailable: it cannot be written.
    """
    await hub.audit.append([told(hub, interaction, words)])
