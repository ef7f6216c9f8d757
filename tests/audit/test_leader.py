import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import ClauseElement, func, select

from app.audit.leader import Leader
from app.audit.record import Event, seal
from app.audit.tables import audit_leaf, audit_record, audit_stage, audit_tree
from app.clock import RowNumbers, now
from app.db import Database, DatabaseUnavailable, open_database
from app.lifecycle import audit_keys
from app.settings import Settings

pytestmark = pytest.mark.anyio


async def _stage(database: Database, settings: Settings, count: int) -> None:
    """Stage records, as processes do beside which others write, or did in an earlier release."""
    keys, _ = audit_keys(settings)
    new_row = RowNumbers(1)
    event = Event(recorded=now(), action="E", interaction="token")
    records = [(new_row(), seal(event, keys)) for _ in range(count)]
    async with database.write() as connection:
        await connection.insert(audit_record, records)
        await connection.insert(audit_stage, [(row,) for row, _ in records])


def _leader(database: Any, settings: Settings) -> Leader:
    _, signer = audit_keys(settings)
    return Leader(database, signer, settings.audit_origin, now)


async def _counts(database: Database) -> tuple[int, int, int]:
    leaves = (await database.reader.fetch(select(func.count()).select_from(audit_leaf), {}))[0][0]
    staged = (await database.reader.fetch(select(func.count()).select_from(audit_stage), {}))[0][0]
    sizes = await database.reader.fetch(select(audit_tree.c.size), {})
    return leaves, staged, sizes[0][0] if sizes else 0


async def test_two_leaders_that_begin_at_once_make_one_tree(settings: Settings) -> None:
    first, second = await open_database(settings), await open_database(settings)
    await _stage(first, settings, 50)

    done = await asyncio.gather(_leader(first, settings).integrate_all(), _leader(second, settings).integrate_all())

    assert sorted(done) == [0, 50]
    assert await _counts(first) == (50, 0, 50)
    await first.close()
    await second.close()


class _Failing:
    """A database that fails as long as it is told to."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.failure: Exception | None = None

    @property
    def reader(self) -> "_Failing":
        return self

    async def fetch(self, statement: ClauseElement, values: Mapping[str, Any]) -> Sequence[Any]:
        if self.failure is not None:
            raise self.failure
        return await self._database.reader.fetch(statement, values)

    def write(self) -> Any:
        return self._database.write()


@pytest.mark.parametrize("failure", [DatabaseUnavailable("away"), ValueError("ours")], ids=["away", "fault"])
async def test_no_failure_ends_a_leader(settings: Settings, failure: Exception) -> None:
    database = await open_database(settings)
    failing = _Failing(database)
    failing.failure = failure
    await _stage(database, settings, 3)
    leader = _leader(failing, settings)
    leader.start(0.01)
    await asyncio.sleep(0.05)
    before = await _counts(database)

    failing.failure = None
    for _ in range(500):
        if not (await _counts(database))[1]:
            break
        await asyncio.sleep(0.01)

    assert before == (0, 3, 0)
    assert await _counts(database) == (3, 0, 3)
    failing.failure = failure
    await leader.stop()
    await database.close()
