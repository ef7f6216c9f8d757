"""A batch stores as one instance after the other would, for a statement for each table."""

import hashlib

import pytest
from sqlalchemy import func, select

from dicom.failures import InvalidInstance
from dicom.part10 import read_instance
from dicom.store.batch import MOST_UIDS, Batch, stored_digests
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from dicom.store.write import Outcome, extract
from tests.dicom.store.stocking import Store, an_instance

pytestmark = pytest.mark.anyio


class Counting:
    """A connection that counts what is asked of it."""

    def __init__(self, database):
        self.database = database
        self.asked = 0

    async def fetch(self, statement, values):
        self.asked += 1
        return await self.database.fetch(statement, values)

    async def execute(self, statement, values):
        self.asked += 1
        return await self.database.execute(statement, values)

    async def execute_many(self, statement, rows):
        self.asked += 1
        await self.database.execute_many(statement, rows)


async def counts(database):
    tables = (dicom_study, dicom_series, dicom_instance)
    return [(await database.fetch(select(func.count()).select_from(table), {}))[0][0] for table in tables]


async def stored(connection, files, **columns):
    """What became of files that are stored together."""
    batch = Batch(connection, columns.get("custodian", 1))
    await batch.read_ahead(extract(read_instance(one)).facts for one in files)
    store, outcomes = Store(batch), []
    for one in files:
        try:
            outcomes.append((await store(one, **columns)).outcome)
        except InvalidInstance:
            outcomes.append("refused")
    await batch.flush()
    return outcomes


async def test_many_instances_cost_a_question_and_an_insert_for_each_table(database):
    files = [an_instance(sop=f"1.2.1.{number}", number=number) for number in range(100)]
    counting = Counting(database)

    outcomes = await stored(counting, files)

    assert outcomes == [Outcome.CREATED] * 100
    assert await counts(database) == [1, 1, 100]
    # The seventh is what a new study is hidden by, since some of it may have been deleted.
    assert counting.asked == 7


async def test_what_is_there_and_what_comes_twice_is_known(database):
    first, second = an_instance(), an_instance(sop="1.2.1.2")
    await stored(database, [first])

    outcomes = await stored(
        database,
        [
            first,
            second,
            second,
            an_instance(sop="1.2.1.2", number=7),
            an_instance(number=9),
            an_instance("1.3", "1.3.1", "1.3.1.1"),
        ],
    )

    assert outcomes == [
        Outcome.UNCHANGED,
        Outcome.CREATED,
        Outcome.UNCHANGED,
        "refused",
        "refused",
        Outcome.CREATED,
    ]
    assert await counts(database) == [2, 2, 3]


async def test_another_patient_s_study_is_refused_as_ever(database):
    await stored(database, [an_instance()])

    assert await stored(database, [an_instance(sop="1.2.1.2")], patient_key=2) == ["refused"]
    assert await counts(database) == [1, 1, 1]


async def test_new_labels_reach_an_instance_that_is_there(database):
    await stored(database, [an_instance()])

    await stored(database, [an_instance()], labels=4)

    rows = await database.fetch(select(dicom_instance.c.labels), {})
    assert [row[0] for row in rows] == [4]


async def test_digests_are_found_of_more_instances_than_one_question_names(database):
    files = [an_instance(sop=f"1.2.1.{number}", number=number) for number in range(MOST_UIDS + 3)]
    await stored(database, files)
    uids = [f"1.2.1.{number}" for number in range(MOST_UIDS + 10)]

    found = await stored_digests(database, 1, uids)

    assert len(found) == MOST_UIDS + 3
    assert found["1.2.1.2"] == hashlib.sha256(files[2]).hexdigest()
    assert await stored_digests(database, 2, uids) == {}
    assert await stored_digests(database, 1, []) == {}
