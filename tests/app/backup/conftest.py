"""Fixtures of backup tests: a pair of keys, and databases with nothing in them."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pyrage
import pytest

from app.settings import Settings

_numbers = itertools.count()


@dataclass(frozen=True)
class KeyPair:
    identity: Any
    recipient: str


def a_key_pair() -> KeyPair:
    identity = pyrage.x25519.Identity.generate()
    return KeyPair(identity, str(identity.to_public()))


@pytest.fixture
def keys() -> KeyPair:
    return a_key_pair()


async def _create(address: str, name: str) -> None:
    connection = await asyncpg.connect(f"{address}/postgres")
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a machine on which nothing was installed yet."""
    home = tmp_path / "empty"
    if request.param == "sqlite":
        yield Settings(home=home, cookie_secure=False)
        return
    server: str = request.getfixturevalue("postgresql_server")
    name = f"empty_{next(_numbers)}"
    asyncio.run(_create(server, name))
    yield Settings(home=home, database=f"{server}/{name}", cookie_secure=False, database_connections=4)
