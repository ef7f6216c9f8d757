"""Making keys and matches of all stored Patients again, a batch a transaction; a run goes on where one stopped.

It breaks no link and forgets no decision: it finds what a later release, or a changed rule, finds besides.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from app.access import epoch
from app.db import Database
from app.identity.follow import index_patients
from app.identity.person import all_patients
from app.identity.recorded import moved_events
from fhir.store.stored import Stored
from fhir.store.tables import resource
from fhir.store.types import NUMBERS

if TYPE_CHECKING:
    from app.records.request import Request

BATCH = 200

VERSION = 1
"""Grows with every change of what keys are made of."""

MADE = "identity version"
"""The counter that says by which `VERSION` all Patients' keys were made at least."""

_MARK = "identity rebuild"
_ANY = select(resource.c.row).where(resource.c.type == NUMBERS["Patient"]).limit(1)


class Progress(NamedTuple):
    """A batch that is done."""

    patients: int
    moved: int
    """Patients that were linked with others."""


async def rebuild(request: "Request", *, again: bool) -> AsyncIterator[Progress]:
    """Index all Patients anew and yield what became of each batch.

    Args:
        request: In whose name links are recorded.
        again: Whether to begin anew instead of where an interrupted run stopped.
    """
    hub = request.hub
    after = 0 if again else await epoch.value(hub.database.reader, _MARK)
    while True:
        async with hub.database.write() as connection:
            batch: list[Stored] = await all_patients(connection, after, BATCH)
            # As if they were changed: what is there of them already stays.
            moved = await index_patients(
                connection, [one._replace(version=one.version + 1) for one in batch], hub.clock()
            )
            after = batch[-1].row if batch else 0
            await epoch.set_value(connection, _MARK, after)
            if not batch:
                await epoch.set_value(connection, MADE, VERSION)
            await hub.audit.stage(connection, await moved_events(request, connection, moved))
        if not batch:
            return
        yield Progress(len(batch), len(set(moved)))


async def is_due(database: Database) -> bool:
    """Return whether there may be Patients whose keys an older release made, or none."""
    return await epoch.value(database.reader, MADE) != VERSION


async def note_version(database: Database) -> None:
    """Note that a hub without Patients has no keys of an older release."""
    if await is_due(database) and not await database.reader.fetch(_ANY, {}):
        async with database.write() as connection:
            await connection.lock(0x6964_7665)
            await epoch.set_value(connection, MADE, VERSION)
