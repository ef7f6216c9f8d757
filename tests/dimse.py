"""DICOM applications that call a hub of these tests: dcmtk's, and pynetdicom's."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from app.hub import Hub
from app.imaging.dimse.listener import Listener
from app.imaging.dimse.node import Binding, add_node
from tests.world import World

T = TypeVar("T")

SECONDS = 60
"""After so long a program of these tests is ended."""


@asynccontextmanager
async def associating(hub: Hub) -> AsyncIterator[Listener]:
    """Open the hub's DIMSE door."""
    listener = Listener(hub)
    listener.open()
    serving = asyncio.create_task(listener.serve())
    await asyncio.sleep(0)
    try:
        yield listener
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await listener.close()


async def a_node(world: World, site: str = "hospital-a", **stated: Any) -> None:
    """Let a system of a site call, known by its address."""
    await world.client(site)
    known = {"name": site, "client": f"{site}-system", "title": site.upper(), "network": "127.0.0.1", **stated}
    async with world.hub.database.write() as connection:
        await add_node(connection, Binding(**known))


async def dcmtk(program: str, *arguments: str | Path, folder: Path | None = None) -> tuple[int, str]:
    """Run a program of dcmtk and return its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        program, *map(str, arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    return process.returncode, printed.decode("utf-8", "replace")


async def aside(work: Callable[..., T], *arguments: Any) -> T:
    """Run what blocks in a thread: the hub shares the loop of the test."""
    return await asyncio.wait_for(asyncio.to_thread(work, *arguments), SECONDS)
