"""Fixtures of all tests: an event loop, databases of both kinds, a running hub."""

import asyncio
import gc
import itertools
import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

# Read where numpy is imported, here and in the processes of hubs: its threads spin while they wait for work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import asyncpg
import pytest

from app.db.migrate import upgrade
from app.settings import Settings
from tests.memory import in_memory
from tests.postgresql import server
from tests.spec_data import SPEC_DATA
from tests.world import World, running

_numbers = itertools.count()

# The hubs of these tests are asked more in a second than people do in a day; tests of limits set them.
for _limit in ("REQUESTS_PER_SECOND", "PERSON_SEARCHES_PER_MINUTE", "PERSONS_PER_HOUR", "SIGN_INS_PER_MINUTE"):
    os.environ.setdefault(f"RENKEI_{_limit}", "0")


def pytest_configure() -> None:
    """Let `tmp_path` lie in memory: a hub flushes its keys, blobs and log, and waits for a disk at every turn."""
    place = in_memory()
    if place is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", place)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave tests/spec out where the published examples are absent."""
    if not SPEC_DATA.is_dir() and collection_path.name == "spec" and collection_path.parent.name == "tests":
        return True
    return None


def pytest_sessionstart() -> None:
    """Refuse to run without the published examples on continuous integration."""
    if not SPEC_DATA.is_dir() and os.environ.get("CI") == "true":
        raise pytest.UsageError(f"The published examples are absent: {SPEC_DATA}")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests of a group to one process: pytest 9.2 does not read the name that xdist 3.8 gives them for it."""
    for item in items:
        named = vars(item).get("_nodeid")
        if named is not None and named != item.nodeid:
            item._id = type(item._id).parse(named)  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Look through what was imported, and through all tests, no more when unused cycles are looked for."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was left out."""
    if not SPEC_DATA.is_dir():
        terminalreporter.write_line(
            "Left out: tests/spec, because the published examples are absent (RENKEI_SPEC_DATA)", yellow=True
        )


def _is_counted(item: pytest.Item) -> bool:
    """Return whether coverage counts a test: the lines that it runs on PostgreSQL, it has run on SQLite before."""
    if item.get_closest_marker("uncounted") is not None:
        return False
    chosen = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return chosen.get("settings") != "postgresql" or "db" in item.path.parts


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave out of what coverage counts whatever adds little to it: counting takes more than half of a test's time."""
    counting = sys.gettrace()
    if counting is None or _is_counted(item):
        return (yield)
    sys.settrace(None)
    try:
        return (yield)
    finally:
        sys.settrace(counting)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with server() as address:
        yield address


async def _execute(address: str, *statements: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> str:
    """A migrated database that others are copied from."""
    asyncio.run(_execute(f"{postgresql_server}/postgres", "CREATE DATABASE template_renkei"))
    upgrade(Settings(database=f"{postgresql_server}/template_renkei"))
    return postgresql_server


@pytest.fixture(scope="session")
def used_databases() -> list[str]:
    """The databases of tests that are over; the next copy drops them, on the connection that it needs anyway."""
    return []


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that others are copied from."""
    folder = tmp_path_factory.mktemp("sqlite")
    upgrade(Settings(home=folder))
    return folder / "renkei.sqlite3"


@pytest.fixture
def empty_postgresql(postgresql_server: str) -> str:
    """The address of an empty database."""
    name = f"renkei_empty_{next(_numbers)}"
    asyncio.run(_execute(f"{postgresql_server}/postgres", f"CREATE DATABASE {name}"))
    return f"{postgresql_server}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, used_databases: list[str]) -> Iterator[Settings]:
    """Settings of a hub with an empty, migrated database of either kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        (tmp_path / "renkei.sqlite3").write_bytes(template.read_bytes())
        yield Settings(home=tmp_path, cookie_secure=False, second_factor="optional")
        return
    server_address: str = request.getfixturevalue("postgresql_template")
    name = f"renkei_{next(_numbers)}"
    dropping = [f"DROP DATABASE IF EXISTS {used_databases.pop()} WITH (FORCE)" for _ in range(len(used_databases))]
    # The other strategy writes every page to the log as well, and is several times slower for a small database.
    copying = f"CREATE DATABASE {name} TEMPLATE template_renkei STRATEGY file_copy"
    asyncio.run(_execute(f"{server_address}/postgres", *dropping, copying))
    yield Settings(
        home=tmp_path,
        database=f"{server_address}/{name}",
        cookie_secure=False,
        second_factor="optional",
        database_connections=4,
    )
    used_databases.append(name)


@pytest.fixture
async def world(settings: Settings) -> AsyncIterator[World]:
    """A running hub with sites."""
    async with running(settings) as made:
        yield made
