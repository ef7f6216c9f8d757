"""Imports that were asked for at the FHIR door are carried out beside the requests, in whichever process is free."""

from collections.abc import Awaitable, Callable

from app.hub import Hub
from app.records.bulk_import.job import IMPORTS, remove
from app.records.bulk_import.run import Importing
from app.records.jobs import run as jobs
from app.records.jobs.run import EVERY_SECONDS, Held, work_through


async def _carry_out(held: Held) -> None:
    """Carry the rest of an import out.

    Raises:
        Lost: it is not to be carried out any more, or not here.
    """
    await Importing(held).run()


async def run_waiting(hub: Hub) -> None:
    """Carry out every import that waits, and forget those that have expired."""
    await work_through(hub, IMPORTS, _carry_out, remove)


def start(hub: Hub, every_seconds: float = EVERY_SECONDS) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(lambda: run_waiting(hub), hub.imports_wait, "imports", every_seconds)
