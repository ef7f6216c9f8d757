"""What an operator does to packages, on record in the transaction that does it."""

from app.audit.record import Event
from app.db import WriteConnection
from app.hub import Hub


async def record(
    hub: Hub, connection: WriteConnection, interaction: str, words: str, *, user_name: str, client: str
) -> None:
    """Stage the audit record of an act.

    Args:
        hub: The running hub.
        connection: That of the act.
        interaction: What was done, by its name in the audit log.
        words: What it was done to.
        user_name: Who did it.
        client: By what.
    """
    event = Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        client=client,
        user_name=user_name,
        description=words,
    )
    await hub.audit.stage(connection, [event])
