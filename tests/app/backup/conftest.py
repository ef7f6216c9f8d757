"""Fixtures of backup tests: a pair of keys, and databases with nothing in them."""

import asyncio
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from app.backup.run import run
from app.settings import Settings
from tests.backups import Backup, KeyPair, a_key_pair, keep_blob
from tests.world import a_patient, an_observation, running

_numbers = itertools.count()


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


async def _small(home: Path) -> Backup:
    keys = a_key_pair()
    async with running(Settings(home=home, cookie_secure=False)) as world:
        hospital = await world.client("hospital-a")
        patient = await world.post(hospital, a_patient())
        await world.post(hospital, an_observation(patient["id"]))
        await keep_blob(world.hub, 1, b"an image")
        await keep_blob(world.hub, 2, bytes(range(256)) * 600)
        taken = await run(world.hub, home / "backups", [keys.recipient])
    return Backup(taken.folder, keys, taken.key)


@pytest.fixture(scope="session")
def small_backup(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Backup:
    """A backup of a patient, an observation and two blobs."""
    home = tmp_path_factory.mktemp("small")
    (home / "renkei.sqlite3").write_bytes(sqlite_template.read_bytes())
    return asyncio.run(_small(home))


@pytest.fixture
def backup_copy(small_backup: Backup, tmp_path: Path) -> Backup:
    """The same in a place of its own, to be damaged."""
    place = tmp_path / "backups"
    shutil.copytree(small_backup.folder.parent, place)
    return Backup(place / small_backup.folder.name, small_backup.keys, small_backup.key)
