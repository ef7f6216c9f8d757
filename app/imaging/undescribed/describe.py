"""Describes studies that have grown: when the association that brought them ends, or after a few seconds.

It is done in the name of the site that keeps them. After a crash whichever process is there goes on with it.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from app.access.directory import Organisation, organisations
from app.audit.log import AuditUnavailable
from app.background import again, started
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.imaging.description import describe_study
from app.imaging.hold import hold
from app.imaging.imaging_study import clinical_date
from app.imaging.undescribed.note import AFTER, Undescribed, due, forget, postpone, waiting
from app.records.commit import committed
from app.records.inside import attempted, inside_request
from app.records.writing import Writing
from dicom.store.retell import is_unheard, retell

EVERY_SECONDS = 1.0
"""How often each process looks for studies that have waited so long."""

POSTPONED_SECONDS = 3600
"""After which what could not be described is tried again."""

MOST = 20
"""Studies that are looked up at once."""

_SECOND = 1_000_000

logger = logging.getLogger(__name__)


async def describe_due(hub: Hub) -> None:
    """Describe every study that has waited long enough.

    Raises:
        DatabaseUnavailable: some wait on.
        AuditUnavailable: some wait on, since it cannot be recorded.
    """
    until = hub.clock() - AFTER
    while found := await due(hub.database.reader, until, most=MOST):
        for one in found:
            await _describe(hub, one)


async def describe_now(hub: Hub, custodian: int, uids: Iterable[str]) -> None:
    """Describe those of a custodian's studies that wait, by their StudyInstanceUIDs.

    What cannot be done now is done later, as that of others.
    """
    try:
        for uid in uids:
            for one in await waiting(hub.database.reader, custodian, uid):
                await _describe(hub, one)
    except (DatabaseUnavailable, AuditUnavailable) as error:
        logger.warning("Studies are described later: %s", error)


async def _describe(hub: Hub, one: Undescribed) -> None:
    site = next(site for site in await organisations(hub.database.reader) if site.key == one.custodian)

    async def attempt() -> None:
        request = await inside_request(hub, site, "PUT", "/fhir/ImagingStudy")
        request.interaction, request.action = "update", "U"
        await committed(request, partial(_written, site, one))

    try:
        await attempted(attempt)
    except (DatabaseUnavailable, AuditUnavailable):
        raise
    except Exception:
        # Whatever it is, the studies after it are described.
        logger.exception("The study %s cannot be described", one.study_instance_uid)
        async with hub.database.write() as connection:
            await postpone(connection, one, hub.clock() + POSTPONED_SECONDS * _SECOND)


async def _written(site: Organisation, one: Undescribed, writing: Writing) -> None:
    connection = writing.connection
    await hold(connection, site.key)
    # Somebody else may have described it meanwhile.
    if not await forget(connection, one.patient_key, one.study):
        return
    if await is_unheard(connection, one.patient_key, one.study):
        await retell(connection, one.patient_key, one.study, clinical_date)
    await describe_study(writing, site, one.study, one.patient_key, one.study_instance_uid)


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start the task that describes studies and return what ends it."""
    return started(_run(hub), "description of studies")


async def _run(hub: Hub) -> None:
    await again(
        partial(describe_due, hub),
        EVERY_SECONDS,
        logger,
        waits="Studies wait to be described",
        fails="Studies cannot be described",
        passing=(DatabaseUnavailable, AuditUnavailable),
        longest_seconds=60.0,
    )
