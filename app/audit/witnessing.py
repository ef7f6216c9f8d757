"""Asks the witnesses, copies and stamps checkpoints, beside the requests, and says when the log stands alone."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, bindparam, select

from app.audit.cosign import standing, witnesses
from app.audit.tables import audit_checkpoint
from app.background import again, started

if TYPE_CHECKING:
    from app.hub import Hub

ROUNDS = 3
"""After so many rounds without a quorum there is a warning."""

REFUSED = "A witness refuses the audit log: it was rolled back, or forked"
FEW = "Too few witnesses have signed the audit log lately"

_FIRST_AFTER = (
    select(audit_checkpoint.c.signed)
    .where(audit_checkpoint.c.size > bindparam("size", type_=BigInteger))
    .order_by(audit_checkpoint.c.size)
    .limit(1)
)
UNSTAMPED = "A checkpoint of the audit log could not be stamped with the time"
UNCOPIED = "A checkpoint of the audit log could not be copied"

logger = logging.getLogger(__name__)


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return started(_run(hub), "witnesses")


async def _run(hub: "Hub") -> None:
    settings = hub.settings

    async def work() -> None:
        await hub.cosigning.run()
        await hub.copying.run()
        await hub.stamping.run()

    if settings.audit_witnesses or settings.audit_copies or settings.audit_timestamp:
        # `warnings` tells of what fails.
        waits, fails = "The witnesses wait for the database", "The witnesses cannot be asked"
        await again(work, settings.audit_witness_seconds, logger, waits=waits, fails=fails)


async def warnings(hub: "Hub") -> list[str]:
    """Return what the operator must know: a refusal that this process has seen, or a quorum that is long overdue."""
    found = [REFUSED] if hub.cosigning.refusals else []
    found += [UNCOPIED] if hub.copying.failures else []
    found += [UNSTAMPED] if hub.stamping.failure else []
    settings = hub.settings
    if settings.audit_quorum:
        known = witnesses(settings.audit_witnesses)
        stands = await standing(hub.database.reader, known, settings.audit_quorum)
        late = hub.clock() - int(ROUNDS * settings.audit_witness_seconds * 1_000_000)
        rows = await hub.database.reader.fetch(_FIRST_AFTER, {"size": stands.size})
        if rows and int(rows[0][0]) < late:
            found.append(FEW)
    return found
