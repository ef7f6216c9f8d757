import asyncio
import resource
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import bindparam, column, select, table, text

from app.access.tables import epoch, token
from app.db import Database, DatabaseUnavailable, open_database
from app.db.sqlite import MANY_ROWS
from app.settings import Settings
from fhir.store.tables import index_token
from tests import postgresql

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


async def test_a_page_that_the_disk_does_not_give_is_no_fault_of_ours(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "renkei.sqlite3"
    octets = bytearray(sqlite_template.read_bytes())
    with sqlite3.connect(sqlite_template) as file:
        (size,) = file.execute("PRAGMA page_size").fetchone()
        pages = file.execute("SELECT rootpage FROM sqlite_master WHERE tbl_name = 'epoch'").fetchall()
    file.close()
    for (page,) in pages:
        octets[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(octets)
    database = await open_database(Settings(home=tmp_path))

    with pytest.raises(DatabaseUnavailable):
        await _value(database, "a")
    with pytest.raises(DatabaseUnavailable):
        async with database.write() as connection:
            await connection.insert(epoch, [("a", 1)])
    async with database.write() as connection:
        assert await connection.fetch(select(token.c.digest), {}) == []
    await database.close()


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


async def test_transactions_read_beside_themselves_though_every_connection_is_in_one(database: Database) -> None:
    async def add(number: int) -> None:
        async with database.write() as connection:
            await asyncio.sleep(0.02)
            await _value(database, "a")
            await connection.insert(epoch, [(f"n{number}", number)])

    async with asyncio.timeout(20):
        await asyncio.gather(*(add(number) for number in range(12)))

    assert await _value(database, "n11") == [11]


@pytest.fixture
async def sqlite_database(sqlite_template: Path, tmp_path: Path) -> AsyncIterator[Database]:
    (tmp_path / "renkei.sqlite3").write_bytes(sqlite_template.read_bytes())
    opened = await open_database(Settings(home=tmp_path))
    yield opened
    await opened.close()


@contextmanager
def _no_room() -> Iterator[None]:
    """Let no file of this process grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_commit_that_finds_no_room_is_rolled_back(sqlite_database: Database) -> None:
    with pytest.raises(DatabaseUnavailable), _no_room():
        async with sqlite_database.write() as connection:
            await connection.insert(epoch, [("a", 1)])

    async with sqlite_database.write() as connection:
        await connection.insert(epoch, [("b", 1)])

    assert await _value(sqlite_database, "a") == []
    assert await _value(sqlite_database, "b") == [1]


async def test_a_cancelled_commit_that_finds_no_room_is_rolled_back(sqlite_database: Database) -> None:
    async def write() -> None:
        async with sqlite_database.write() as connection:
            await connection.insert(epoch, [("a", 1)])
            sqlite_database._thread.submit(time.sleep, 0.2)  # type: ignore[attr-defined]

    with _no_room():
        task = asyncio.create_task(write())
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])

    async with sqlite_database.write() as connection:
        await connection.insert(epoch, [("b", 1)])

    assert task.cancelled()
    assert await _value(sqlite_database, "a") == []
    assert await _value(sqlite_database, "b") == [1]


async def test_many_rows_of_a_cancelled_writer_are_all_rolled_back(sqlite_database: Database) -> None:
    rows = [(1, number, 0, number, 1, 0) for number in range(300_000)]

    async def write() -> None:
        async with sqlite_database.write() as connection:
            await connection.insert(index_token, rows)

    task = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    sqlite_database._thread.submit(int).result()  # type: ignore[attr-defined]

    assert task.cancelled()
    assert len(await sqlite_database.reader.fetch(select(index_token.c.row), {})) == 0


async def test_a_write_that_outgrows_the_file_is_refused_and_the_next_one_that_fits_is_not(
    sqlite_database: Database,
) -> None:
    raw = sqlite_database._writer.raw  # type: ignore[attr-defined]
    raw.execute(f"PRAGMA max_page_count={raw.execute('PRAGMA page_count').fetchone()[0]}").fetchall()

    with pytest.raises(DatabaseUnavailable):
        async with sqlite_database.write() as connection:
            await connection.insert(epoch, [(f"{number}" * 500, number) for number in range(500)])
    async with sqlite_database.write() as connection:
        await connection.insert(epoch, [("b", 1)])

    assert await _value(sqlite_database, "b") == [1]


async def test_after_a_failed_flush_the_process_ends(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        """A connection on a disk that fails to flush, which no test can have."""

        in_transaction = False

        def execute(self, text: str) -> object:
            if text == "COMMIT":
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
                raise error
            return self

    class Ended(Exception):
        pass

    def end(code: int) -> None:
        raise Ended(code)

    monkeypatch.setattr("os._exit", end)
    careful = sqlite_database._writer.raw  # type: ignore[attr-defined]
    sqlite_database._writer.raw = Failing()  # type: ignore[attr-defined]

    with pytest.raises(Ended, match="70"):
        async with sqlite_database.write():
            pass
    sqlite_database._writer.raw = careful  # type: ignore[attr-defined]


async def test_a_fault_of_ours_is_not_taken_for_an_absent_database(sqlite_database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await sqlite_database.reader.fetch(select(column("x")).select_from(table("nonsense")), {})


async def test_a_server_that_went_away_is_unavailable_until_it_is_back() -> None:
    with postgresql.running("") as server:
        database = await open_database(Settings(database=f"{server.address}/postgres"))
        one = select(bindparam("one", 1))
        await asyncio.to_thread(server.kill, signal.SIGQUIT)

        with pytest.raises(DatabaseUnavailable):
            await database.reader.fetch(one, {})
        with pytest.raises(DatabaseUnavailable):
            async with database.write():
                pass
        with pytest.raises(DatabaseUnavailable):
            async with database.snapshot():
                pass
        await asyncio.to_thread(server.start)

        assert (await database.reader.fetch(one, {}))[0][0] == 1
        await database.close()


@pytest.mark.parametrize("code", ["53100", "57P01", "58000", "58030", "XX001", "XX002"])
async def test_what_a_server_says_of_its_disk_is_no_fault_of_ours(postgresql_template: str, code: str) -> None:
    database = await open_database(Settings(database=f"{postgresql_template}/postgres"))
    says = text(f"DO $$ BEGIN RAISE EXCEPTION 'the disk' USING ERRCODE = '{code}'; END $$")

    with pytest.raises(DatabaseUnavailable):
        await database.reader.fetch(says, {})
    with pytest.raises(DatabaseUnavailable):
        async with database.write() as connection:
            await connection.execute(says, {})
    await database.close()


async def test_a_connection_that_broke_while_something_was_sent_is_unavailable(postgresql_template: str) -> None:
    # Only a crash at the right moment makes the driver say so: tests/e2e/test_crash.py meets it now and then.
    broke = asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    database = await open_database(Settings(database=f"{postgresql_template}/postgres"))

    with pytest.raises(DatabaseUnavailable):
        async with database.write():
            raise broke

    await database.close()


async def test_closing_ends_a_connection_that_stays_busy(
    postgresql_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.postgresql.CLOSE_SECONDS", 0.1)
    database = await open_database(Settings(database=f"{postgresql_template}/postgres"))
    entered = asyncio.Event()

    async def hold() -> None:
        async with database.write():
            entered.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(hold())
    await entered.wait()

    async with asyncio.timeout(10):
        await database.close()
    task.cancel()

    with pytest.raises(DatabaseUnavailable):
        await task
