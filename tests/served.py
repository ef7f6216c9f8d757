"""An application that is running, on a port of this machine: for clients that need a socket."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from fastapi import FastAPI

from tests.certificates import Authority
from tests.ports import free_ports


@dataclass
class Served:
    """Where it is.

    Attributes:
        address: Of its DICOMweb services.
    """

    address: str


@asynccontextmanager
async def served(app: FastAPI, authority: Authority | None = None) -> AsyncIterator[Served]:
    """Serve an application; by TLS, to whom an authority knows, when one is given."""
    (port,) = free_ports(1)
    secured: dict[str, Any] = {}
    if authority is not None:
        certificate, key = authority.issue("served")
        secured = {"ssl_certfile": certificate, "ssl_keyfile": key, "ssl_ca_certs": str(authority.path)}
        secured["ssl_cert_reqs"] = ssl.CERT_REQUIRED
    config = uvicorn.Config(app, port=port, lifespan="off", log_level="critical", ws="none", **secured)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(0.01)
    try:
        yield Served(f"http{'s' if secured else ''}://127.0.0.1:{port}/dicomweb")
    finally:
        server.should_exit = True
        await serving
