"""Removing what is over, for its site: deleted first, then its versions for good, each on record in its transaction.

A run that was interrupted goes on when it is started again: what is gone is not found any more, and what was deleted
and not removed is found as such.
"""

from collections.abc import Sequence

from app.access.directory import Organisation
from app.audit.record import Event
from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.records.commit import committed
from app.records.events import events
from app.records.expunge import remove
from app.records.forget import count_removal, forget
from app.records.inside import MOST_ATTEMPTS, inside_request
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.records.retention.due import Due
from app.records.writing import Writing
from fhir.store.read import read
from fhir.store.stored import Stored

AT_ONCE = 50
"""Resources of one transaction: others wait for it."""


async def _delete(request: FhirRequest, some: Sequence[Due]) -> None:
    request.interaction, request.action = "delete", "D"

    async def work(writing: Writing) -> None:
        for one in some:
            if not one.deleted:
                await writing.delete(one.type, one.id)

    await committed(request, work)


async def _remove(request: FhirRequest, some: Sequence[Due]) -> int:
    request.interaction, request.action = "retention", "D"
    gone: list[Stored] = []

    async def work(writing: Writing) -> int:
        gone.clear()
        count = 0
        for one in some:
            current = await read(writing.connection, EVERYTHING_VISIBLE, one.type, one.id)
            # Its site may have written it anew since: then its time begins anew.
            if current is not None and current.deleted:
                count += await remove(writing, current)
                gone.append(current)
        if gone:
            await count_removal(writing.connection)
        return count

    async def tell(_: int, writing: Writing) -> list[Event]:
        return await events(request, gone, 200, writing.connection) if gone else []

    count = await committed(request, work, tell)
    forget(request.hub.database)
    return len(gone) if count else 0


async def remove_due(hub: Hub, site: Organisation, some: Sequence[Due]) -> int:
    """Remove resources of a site for good, and return how many there were.

    Raises:
        Conflict: one was written at the same time; nothing of its part was removed.
        DatabaseUnavailable: the rights of callers keep changing, or the database is gone.
    """
    count = 0
    for start in range(0, len(some), AT_ONCE):
        part = some[start : start + AT_ONCE]
        for _ in range(MOST_ATTEMPTS):
            try:
                await _delete(await inside_request(hub, site, "DELETE", "/fhir/"), part)
                count += await _remove(await inside_request(hub, site, "DELETE", "/fhir/"), part)
                break
            except StaleCaller:
                continue
        else:
            raise DatabaseUnavailable("The rights of callers keep changing")
    return count
