import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select

from app.access.tables import epoch
from app.db import Database, DatabaseUnavailable, open_database
from app.db.sqlite import MANY_ROWS
from app.settings import Settings
from fhir.store.tables import index_token

pytestmark = pytest.mark.anyio

BY_NAME = select(epoch.c.value).where(epoch.c.name == bindparam("name"))


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    opened = await open_database(settings)
    yield opened
    await opened.close()


async def _value(database: Database, name: str) -> list[int]:
    return [row[0] for row in await database.reader.fetch(BY_NAME, {"name": name})]


async def test_what_was_written_is_there_when_the_block_ends(database: Database) -> None:
    async with database.write() as connection:
        await connection.insert(epoch, [("a", 1)])

    assert await _value(database, "a") == [1]


async def test_nothing_is_there_when_the_block_raises(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.write() as connection:
            await connection.insert(epoch, [("a", 1)])
            raise ZeroDivisionError

    assert await _value(database, "a") == []


async def test_a_snapshot_does_not_see_what_is_written_after_it(database: Database) -> None:
    async with database.snapshot() as snapshot:
        before = await snapshot.fetch(BY_NAME, {"name": "a"})
        async with database.write() as connection:
            await connection.insert(epoch, [("a", 1)])

        after = await snapshot.fetch(BY_NAME, {"name": "a"})

    assert list(before) == list(after) == []
    assert await _value(database, "a") == [1]


async def test_many_rows_arrive_whole(database: Database) -> None:
    rows = [(1, number, 0, number, 1, 0) for number in range(MANY_ROWS + 1)]

    async with database.write() as connection:
        await connection.insert(index_token, rows)

    found = await database.reader.fetch(select(index_token.c.row), {})
    assert len(found) == MANY_ROWS + 1


async def test_writers_of_two_processes_take_turns(settings: Settings, database: Database) -> None:
    other = await open_database(settings)

    async def add(where: Database, name: str) -> None:
        for number in range(20):
            async with where.write() as connection:
                await connection.insert(epoch, [(f"{name}{number}", number)])

    await asyncio.gather(add(database, "x"), add(other, "y"))
    await other.close()

    names = await database.reader.fetch(select(epoch.c.name).where(epoch.c.name.like("_%")), {})
    assert len([name for (name,) in names if name[0] in "xy"]) == 40


async def test_a_cancelled_writer_leaves_the_next_one_a_clean_start(database: Database) -> None:
    async def write() -> None:
        async with database.write() as connection:
            await connection.insert(epoch, [("a", 1)])
            await asyncio.sleep(10)

    task = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    async with database.write() as connection:
        await connection.insert(epoch, [("b", 1)])

    assert await _value(database, "a") == []
    assert await _value(database, "b") == [1]


async def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "renkei.sqlite3").mkdir()

    with pytest.raises(DatabaseUnavailable):
        await open_database(Settings(home=tmp_path))
    with pytest.raises(DatabaseUnavailable):
        await open_database(Settings(database="postgresql://nobody@127.0.0.1:1/none"))


async def test_a_locked_file_makes_the_writer_unavailable_after_a_while(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "renkei.sqlite3").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setattr("app.db.sqlite.LOCK_WAIT_SECONDS", 0.05)
    database = await open_database(Settings(home=tmp_path))
    holder = sqlite3.connect(tmp_path / "renkei.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    with pytest.raises(DatabaseUnavailable):
        async with database.write() as connection:
            await connection.insert(epoch, [("a", 1)])

    holder.execute("ROLLBACK")
    holder.close()
    async with database.write() as connection:
        await connection.insert(epoch, [("a", 1)])
    assert await _value(database, "a") == [1]
    await database.close()


async def test_commits_are_flushed(sqlite_template: Path, tmp_path: Path) -> None:
    (tmp_path / "renkei.sqlite3").write_bytes(sqlite_template.read_bytes())
    database = await open_database(Settings(home=tmp_path))

    async with database.write() as connection:
        raw = connection.raw  # type: ignore[attr-defined]
        settings = [raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")]

    assert settings == [2, "wal"]
    await database.close()
