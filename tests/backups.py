"""Backups for tests: key pairs, blobs, hubs on what was restored. Plain functions, as in tests/world.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyrage

from app.blobs.tables import blob
from app.hub import Hub
from app.main import create_app
from app.settings import Settings
from tests.world import ADDRESS


@dataclass(frozen=True)
class KeyPair:
    identity: Any
    recipient: str


def a_key_pair() -> KeyPair:
    identity = pyrage.x25519.Identity.generate()
    return KeyPair(identity, str(identity.to_public()))


async def keep_blob(hub: Hub, custodian: int, octets: bytes) -> str:
    """Keep a blob as a door of the hub does: durable first, then in the table."""
    incoming = hub.blobs.incoming()
    incoming.write(octets)
    size = incoming.size
    digest = await hub.blobs.keep(custodian, incoming)
    async with hub.database.write() as connection:
        await connection.insert(blob, [(custodian, digest, size, hub.clock())])
    return digest


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """Run a hub on what is there."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as http,
    ):
        yield app.state.hub, http


@dataclass(frozen=True)
class Backup:
    """A backup that tests may damage if they repair it."""

    folder: Path
    keys: KeyPair
    key: str

    def files(self) -> list[Path]:
        inside = [path for path in self.folder.rglob("*") if path.is_file()]
        return sorted([*inside, *(path for path in (self.folder.parent / "blobs").rglob("*") if path.is_file())])
