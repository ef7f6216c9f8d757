"""Makes exports ready beside the requests, in whichever process is free."""

import asyncio
from collections.abc import Awaitable, Callable

from app.hub import Hub
from app.records.export.by_patient import Blocks
from app.records.export.by_person import Persons
from app.records.export.by_type import advance_by_type
from app.records.export.job import EXPORTS, remove
from app.records.export.making import Making
from app.records.jobs import run as jobs
from app.records.jobs.job import DONE
from app.records.jobs.run import Held, work_through
from app.records.record import StaleCaller
from app.records.request import FhirRequest


async def _walk(export: Making) -> Callable[[Making, FhirRequest], Awaitable[None]]:
    """Return what looks up the next places of an export."""
    walk = Blocks() if export.wanted.organized else Persons() if export.wanted.patients is not None else None
    if walk is None:
        return advance_by_type
    await walk.know(export)
    return walk.advance


async def _make(held: Held) -> None:
    """Make the rest of an export ready.

    Raises:
        Lost: it is not to be made any more, or not here.
    """
    export = Making(held)
    await export.count_files()
    advance = await _walk(export)
    while export.step < export.steps:
        try:
            await advance(export, await export.request())
        except StaleCaller:
            # Rights have changed: what they are now is asked, and the same places are looked up again.
            continue
        if export.is_full:
            await export.keep()
        # SQLite is read in the event loop: requests come first.
        await asyncio.sleep(0)
    await export.keep(state=DONE)


async def run_waiting(hub: Hub) -> None:
    """Make ready every export that waits, and remove those that have expired."""
    await work_through(hub, EXPORTS, _make, remove)


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(lambda: run_waiting(hub), hub.exports_wait, "exports")
