"""The audit events of backups: whoever takes everything away is seen doing it."""

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from app.audit.record import Event
from app.hub import Hub

BACKUP = "backup"
VERIFY = "backup-verify"
RESTORE = "restore"
CLIENT = "renkei-cli"


def account() -> str:
    """Return the operating system's name of who runs the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        return "unknown"


async def record(hub: Hub, interaction: str, folder: Path, words: str, *, outcome: str = "0") -> None:
    """Record one step of a backup, durably.

    Args:
        hub: The running hub.
        interaction: `BACKUP`, `VERIFY` or `RESTORE`.
        folder: Where the backup lies.
        words: What was done, for the auditor.
        outcome: 0, 4, 8 or 12: https://hl7.org/fhir/R4/valueset-audit-event-outcome.html

    Raises:
        AuditUnavailable: it cannot be written.
    """
    event = Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        outcome=outcome,
        outcome_desc=None if outcome == "0" else words,
        client=CLIENT,
        user_name=account(),
        path=str(folder),
        description=words,
    )
    await hub.audit.append([event])


@asynccontextmanager
async def failing(hub: Hub, interaction: str, folder: Path) -> AsyncIterator[None]:
    """Record it when the block fails."""
    try:
        yield
    except Exception as error:
        await record(hub, interaction, folder, f"{type(error).__name__}: {error}", outcome="8")
        raise
