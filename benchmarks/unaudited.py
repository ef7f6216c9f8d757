"""`renkei serve` without its audit log: what is between it and the hub is what the log costs. Never for real data."""

from collections.abc import Sequence

from app.audit.log import AuditLog
from app.audit.record import Event
from app.cli import main


async def _append(_: AuditLog, __: Sequence[Event]) -> None:
    """Write nothing, and wait for nothing."""


if __name__ == "__main__":
    AuditLog.append = _append  # type: ignore[assignment, method-assign]
    main(["serve"], prog_name="renkei")
