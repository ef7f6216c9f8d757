"""Reports of storage commitments: on the association of who asked, or on one that the hub opens; tried until heard.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_J.3.3.html
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from pynetdicom.association import Association

from app.background import started
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.imaging.dimse.calls import Calls
from app.imaging.dimse.commitment import KEPT, Commitment, due, looked_up, remove, take
from app.imaging.dimse.node import Nodes
from dicom.services.acceptor import Bounds
from dicom.services.commitment import Referenced, report
from dicom.services.contexts import PLAIN, STORAGE_COMMITMENT
from dicom.services.requestor import NotReached, Place, Requested
from dicom.services.sending import NotSent

EVERY_SECONDS = 5.0
"""How often reports are looked for that are due."""

Outcome = tuple[list[Referenced], list[tuple[Referenced, int]]]
logger = logging.getLogger(__name__)


def try_on(calls: Calls, association: Association, context_id: int, one: Commitment) -> bool:
    """Report on an association that is open; return whether it was heard."""
    kept, failed = calls.wait_for(looked_up(calls.hub, one))
    title = calls.hub.settings.dimse_title
    try:
        report(association, context_id, title, one.transaction_uid, kept, failed)
    except NotSent:
        return False
    calls.wait_for(_forget(calls.hub, one))
    return True


async def _forget(hub: Hub, one: Commitment) -> None:
    async with hub.database.write() as connection:
        await remove(connection, one)


def bounds_of(hub: Hub) -> Bounds:
    """Return what associations may take, by the settings."""
    settings = hub.settings
    return Bounds(
        settings.dimse_pdu_bytes,
        settings.instance_bytes,
        settings.dimse_idle_seconds,
        settings.dimse_read_seconds,
        settings.dimse_answer_seconds,
    )


async def report_due(hub: Hub, calls: Calls, nodes: Nodes) -> None:
    """Try every report that is due, of nodes that the hub can call.

    One that is not reached is not called again for its other reports: a thousand of them would keep all others waiting.
    """
    not_reached: set[str] = set()
    for one in await due(hub.database.reader, hub.clock()):
        node = await nodes.named(one.node)
        if node is None or hub.clock() - one.asked > KEPT:
            logger.warning("A storage commitment is not reported: its node is not there any more, or never answered")
            await _forget(hub, one)
            continue
        async with hub.database.write() as connection:
            if not await take(connection, one, hub.clock()):
                continue
        if not node.binding.host or one.node in not_reached:
            continue
        outcome = await looked_up(hub, one)
        try:
            place = calls.place_of(node.binding)
        except OSError as error:
            # A node's certificate that cannot be read keeps nobody else from hearing.
            logger.warning("A storage commitment is reported later: %s", error)
            continue
        try:
            if await asyncio.to_thread(_reported, hub, place, one, outcome):
                await _forget(hub, one)
        except NotReached as error:
            logger.info("A storage commitment is reported later: %s", error)
            not_reached.add(one.node)


def _reported(hub: Hub, place: Place, one: Commitment, outcome: Outcome) -> bool:
    """Return whether a report was heard.

    Raises:
        NotReached: there is nobody to hear it.
    """
    title = hub.settings.dimse_title
    try:
        with Requested(place, title, [(STORAGE_COMMITMENT, PLAIN)], bounds_of(hub), serves=True) as there:
            (context_id,) = there.takes().values()
            report(there.open, context_id, title, one.transaction_uid, *outcome)
    except (NotSent, OSError, ValueError) as error:
        logger.info("A storage commitment is reported later: %s", error)
        return False
    return True


def start(hub: Hub, calls: Calls, nodes: Nodes) -> Callable[[], Awaitable[None]]:
    """Start reporting, and return what ends it."""
    return started(_run(hub, calls, nodes), "storage commitments")


async def _run(hub: Hub, calls: Calls, nodes: Nodes) -> None:
    while True:
        try:
            await report_due(hub, calls, nodes)
        except DatabaseUnavailable as error:
            logger.warning("Storage commitments are reported later: %s", error)
        except Exception:
            logger.exception("Storage commitments cannot be reported")
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await hub.commitments_wait.wait()
        except TimeoutError:
            continue
        hub.commitments_wait.clear()
