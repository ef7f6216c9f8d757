import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.log import AuditLog, AuditUnavailable
from app.audit.record import Event, parse, unseal
from app.audit.tables import audit_record, audit_salt
from app.clock import RowNumbers, now
from app.db import Database, DatabaseUnavailable, open_database
from app.lifecycle import audit_keys
from app.settings import Settings

pytestmark = pytest.mark.anyio


class _Failing:
    """A database that does not write as long as it is told so."""

    def __init__(self, database: Database) -> None:
        self.reader = database.reader
        self._database = database
        self.failure: Exception | None = None
        self.delay_seconds = 0.0
        self.transactions = 0

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Any]:
        self.transactions += 1
        await asyncio.sleep(self.delay_seconds)
        if self.failure is not None:
            raise self.failure
        async with self._database.write() as connection:
            yield connection


def _event(patient: int = 1) -> Event:
    return Event(recorded=now(), action="R", interaction="read", patient=f"Patient/{patient}", patient_key=patient)


@pytest.mark.parametrize("failure", [DatabaseUnavailable("away"), ValueError("ours")], ids=["away", "fault"])
async def test_a_salt_that_was_not_stored_seals_nothing_more(settings: Settings, failure: Exception) -> None:
    database = await open_database(settings)
    failing = _Failing(database)
    keys, _ = audit_keys(settings)
    log = AuditLog(failing, keys, RowNumbers(1), wait_seconds=5)  # type: ignore[arg-type]
    log.start()
    failing.failure = failure
    with pytest.raises(AuditUnavailable):
        await log.append([_event()])

    failing.failure = None
    await log.append([_event()])

    ((salt,),) = await database.reader.fetch(select(audit_salt.c.salt), {})
    records = [bytes(one) for (one,) in await database.reader.fetch(select(audit_record.c.record), {})]
    (record,) = [one for one in records if "p" in parse(one)]
    assert unseal(record, keys, bytes(salt)).patient == "Patient/1"
    # The other one tells that an answer was refused.
    assert len(records) == 2
    await log.stop()
    await database.close()


async def test_stopping_waits_for_records_that_are_being_written_and_for_those_that_came_meanwhile(
    settings: Settings,
) -> None:
    database = await open_database(settings)
    failing = _Failing(database)
    failing.delay_seconds = 0.1
    keys, _ = audit_keys(settings)
    log = AuditLog(failing, keys, RowNumbers(1), wait_seconds=5)  # type: ignore[arg-type]
    log.start()
    first = asyncio.create_task(log.append([_event()]))
    await asyncio.sleep(0.05)
    second = asyncio.create_task(log.append([_event()]))
    await asyncio.sleep(0)

    await log.stop()

    await asyncio.gather(first, second)
    assert len(await database.reader.fetch(select(audit_record.c.row), {})) == 2
    await database.close()


async def test_a_patient_without_a_salt_gets_one_however_many_ask_at_once(settings: Settings) -> None:
    database = await open_database(settings)
    keys, _ = audit_keys(settings)
    log = AuditLog(database, keys, RowNumbers(1), wait_seconds=5)
    log.start()

    await asyncio.gather(*(log.append([_event()]) for _ in range(20)))

    ((salt,),) = await database.reader.fetch(select(audit_salt.c.salt), {})
    records = await database.reader.fetch(select(audit_record.c.record), {})
    assert [unseal(bytes(record), keys, bytes(salt)).patient for (record,) in records] == ["Patient/1"] * 20
    await log.stop()
    await database.close()


async def test_first_accesses_to_known_patients_share_a_flush(settings: Settings) -> None:
    database = await open_database(settings)
    async with database.write() as connection:
        await connection.insert(audit_salt, [(key, bytes([key]) * 32) for key in range(1, 41)])
    counting = _Failing(database)
    counting.delay_seconds = 0.02
    keys, _ = audit_keys(settings)
    log = AuditLog(counting, keys, RowNumbers(1), wait_seconds=5)  # type: ignore[arg-type]
    log.start()

    await asyncio.gather(*(log.append([_event(key)]) for key in range(1, 41)))

    assert counting.transactions < 10
    assert len(await database.reader.fetch(select(audit_record.c.row), {})) == 40
    await log.stop()
    await database.close()


async def test_a_stopped_log_takes_no_more_records(settings: Settings) -> None:
    database = await open_database(settings)
    keys, _ = audit_keys(settings)
    log = AuditLog(database, keys, RowNumbers(1), wait_seconds=5)
    log.start()
    await log.append([_event()])
    await log.stop()

    with pytest.raises(AuditUnavailable):
        await log.append([_event()])

    await database.close()


async def test_answers_that_were_refused_are_put_on_record_once_the_database_answers_again(settings: Settings) -> None:
    database = await open_database(settings)
    failing = _Failing(database)
    keys, _ = audit_keys(settings)
    log = AuditLog(failing, keys, RowNumbers(1), wait_seconds=5)  # type: ignore[arg-type]
    log.start()
    failing.failure = DatabaseUnavailable("away")
    refused = await asyncio.gather(*(log.append([_event()]) for _ in range(3)), return_exceptions=True)

    failing.failure = None
    await log.renew()
    await log.stop()
    rows = await database.reader.fetch(select(audit_record.c.record), {})

    assert [type(one) for one in refused] == [AuditUnavailable] * 3
    (event,) = [unseal(bytes(record), keys) for (record,) in rows]
    assert (event.interaction, event.outcome) == ("audit-unavailable", "8")
    assert str(event.outcome_desc).startswith("3 answers were refused")
    assert len(await database.reader.fetch(select(audit_record.c.row), {})) == 1
    await database.close()
