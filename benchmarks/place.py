"""Where the data of a run lie: a folder that is thrown away, or one that is kept so that it is loaded once."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks import servers
from tests.postgresql import Server as PostgresqlServer
from tests.postgresql import initialise, server

_PART = 4 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """A folder for one engine, and the address of its server without a database name; empty for SQLite."""

    folder: Path
    address: str = ""
    postmaster: int | None = None

    def hub(self, name: str) -> tuple[Path, str]:
        """Return the home and the database of the hub of a name; whether they are there yet is not looked at."""
        return self.folder / name, f"{self.address}/{name}" if self.address else ""

    def empty(self, name: str) -> tuple[Path, str]:
        """Make an empty home and an empty database, whatever was there, and return them."""
        home, database = self.hub(name)
        if home.exists():
            shutil.rmtree(home)
        home.mkdir(parents=True)
        if self.address:
            asyncio.run(_create(f"{self.address}/postgres", name))
        return home, database


async def _create(address: str, name: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name}")
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


async def _postmaster(address: str) -> int:
    connection = await asyncpg.connect(f"{address}/postgres")
    try:
        return servers.parent(connection.get_server_pid())
    finally:
        await connection.close()


def over(folder: Path, address: str) -> Place:
    """Return the place of a folder and of a PostgreSQL server that runs; without an address that of SQLite."""
    return Place(folder, address, asyncio.run(_postmaster(address)) if address else None)


@contextlib.contextmanager
def _kept(folder: Path) -> Iterator[str]:
    """Run the PostgreSQL server whose data are in a folder, and yield its address."""
    made = PostgresqlServer(folder, "", servers.free_port())
    if not made.data.exists():
        folder.mkdir(parents=True)
        initialise(made)
    _read_through(made.data)
    made.start()
    try:
        yield made.address
    finally:
        made.run("pg_ctl", "-m", "fast", "-w", "stop")


def _read_through(folder: Path) -> None:
    """Read what was kept, so that a run does not measure the disk where one that has just loaded does not."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(_PART):
                    pass


@contextlib.contextmanager
def place(database: str, keep: Path | None) -> Iterator[Place]:
    """Yield where the data of an engine lie.

    Args:
        database: `sqlite` or `postgresql`.
        keep: The folder that is kept; a temporary one when None.
    """
    with contextlib.ExitStack() as stack:
        home = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="renkei-bench-")))
        address = ""
        if database == "postgresql":
            running = _kept(home / "server") if keep else server(durable=True, port=servers.free_port())
            address = stack.enter_context(running)
        if keep:
            _read_through(home / database)
        yield over(home / database, address)
