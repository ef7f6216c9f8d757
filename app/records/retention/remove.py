"""Removing what is over, for its site: deleted first, then its versions for good, each on record in its transaction.

A run that was interrupted goes on when it is started again: what is gone is not found any more, and what was deleted
and not removed is found as such. What was written since it was looked at stays, and so does all of a patient for whom
a request has come since.
"""

from collections.abc import Sequence

from app.access.directory import Organisation
from app.audit.record import Event
from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import WriteConnection
from app.hub import Hub
from app.records.commit import committed
from app.records.events import events
from app.records.expunge import remove
from app.records.forget import count_removal, forget
from app.records.inside import attempted, inside_request
from app.records.request import FhirRequest
from app.records.retention.seen import Due
from app.records.writing import Writing
from app.subject_rights.held import held_of
from fhir.errors import Conflict
from fhir.store.read import read
from fhir.store.stored import Stored

AT_ONCE = 50
"""Resources of one transaction: others wait for it."""


async def _still_due(connection: WriteConnection, some: Sequence[Due]) -> list[tuple[Due, Stored]]:
    """Return those that nobody has written since they were looked at, nor asked for, each as it is now."""
    held = await held_of(connection, frozenset(one.patient_key for one in some))
    found = []
    for one in some:
        current = None if one.patient_key in held else await read(connection, EVERYTHING_VISIBLE, one.type, one.id)
        if current is not None and current.version == (one.deletion if current.deleted else one.version):
            found.append((one, current))
    return found


async def _delete(request: FhirRequest, some: Sequence[Due]) -> None:
    request.interaction, request.action = "delete", "D"

    async def work(writing: Writing) -> None:
        for one, current in await _still_due(writing.connection, some):
            if not current.deleted:
                deleted = await writing.delete(one.type, one.id)
                if deleted is None or deleted.version != one.deletion:
                    raise Conflict("Another request changed the resource at the same time")

    async def tell(_: None, writing: Writing) -> list[Event]:
        return await events(request, writing.written, 200, writing.connection) if writing.written else []

    await committed(request, work, tell)


async def _remove(request: FhirRequest, some: Sequence[Due]) -> int:
    request.interaction, request.action = "retention", "D"
    gone: list[Stored] = []

    async def work(writing: Writing) -> None:
        gone.clear()
        for _, current in await _still_due(writing.connection, some):
            if current.deleted:
                await remove(writing, current)
                gone.append(current)
        if gone:
            await count_removal(writing.connection)

    async def tell(_: None, writing: Writing) -> list[Event]:
        return await events(request, gone, 200, writing.connection) if gone else []

    await committed(request, work, tell)
    forget(request.hub.database)
    return len(gone)


async def _remove_part(hub: Hub, site: Organisation, part: Sequence[Due]) -> int:
    async def attempt() -> int:
        await _delete(await inside_request(hub, site, "DELETE", "/fhir/"), part)
        return await _remove(await inside_request(hub, site, "DELETE", "/fhir/"), part)

    # What was written at the same time is left out of the next attempt.
    return await attempted(attempt, also=(Conflict,))


async def remove_due(hub: Hub, site: Organisation, some: Sequence[Due]) -> int:
    """Remove resources of a site for good, and return how many there were.

    Raises:
        Conflict: some were written at the same time, again and again; nothing of their part was removed.
        DatabaseUnavailable: the rights of callers keep changing, or the database is gone.
    """
    return sum([await _remove_part(hub, site, some[at : at + AT_ONCE]) for at in range(0, len(some), AT_ONCE)])
