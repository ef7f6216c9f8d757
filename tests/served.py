"""An application that is running, on a port of this machine: for clients that need a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from tests.ports import free_ports


@dataclass
class Served:
    """Where it is.

    Attributes:
        address: Of its DICOMweb services.
    """

    address: str


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[Served]:
    """Serve an application."""
    (port,) = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(app, port=port, lifespan="off", log_level="critical", ws="none"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    try:
        yield Served(f"http://127.0.0.1:{port}/dicomweb")
    finally:
        server.should_exit = True
        await serving
