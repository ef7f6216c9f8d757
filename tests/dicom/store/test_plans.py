"""Every shape of question that names something is answered from an index, on both databases."""

import re

import pytest

from dicom.attributes import Level
from dicom.matching import parse_query
from dicom.store.conditions import forms, values
from dicom.store.read import _ROW, _select
from dicom.store.search import _page
from tests.dicom.store.databases import PostgreSQL, SQLite
from tests.dicom.store.stocking import Store, an_instance
from tests.dicom.store.test_visibility import Restricted

pytestmark = pytest.mark.anyio

SEEING = Restricted(1, (1, 1), 1, 0)
SEARCHES = [
    (Level.STUDY, (("StudyInstanceUID", "1.2,1.3"),)),
    (Level.STUDY, (("PatientID", "P1"),)),
    (Level.STUDY, (("AccessionNumber", "A1"), ("ModalitiesInStudy", "CT"))),
    (Level.STUDY, (("StudyDate", "20240501"),)),
    (Level.SERIES, (("StudyInstanceUID", "1.2"),)),
    (Level.SERIES, (("SeriesInstanceUID", "1.2.1"),)),
    (Level.INSTANCE, (("StudyInstanceUID", "1.2"), ("SeriesInstanceUID", "1.2.1"))),
    (Level.INSTANCE, (("SOPInstanceUID", "1.2.1.1"),)),
]


def questions():
    for level, pairs in SEARCHES:
        query = parse_query(level, pairs, max_limit=10)
        binds = {**SEEING.values, **values(query.conditions), "limit": 10, "offset": 0}
        yield _page(level, forms(query.conditions), SEEING), binds
    uids = {"study_instance_uid": "1.2", "series_instance_uid": "1.2.1", "sop_instance_uid": "1.2.1.1"}
    for length in (1, 2, 3):
        names = tuple(uids)[:length]
        yield _select(_ROW, names, SEEING), {**SEEING.values, **{name: uids[name] for name in names}}


async def test_nothing_is_scanned(database):
    await Store(database)(an_instance())
    if isinstance(database, PostgreSQL):
        await database.db.execute("SET enable_seqscan = off")
    for statement, binds in questions():
        plan = await database.explain(statement, binds)

        # SQLite says SCAN for a table without an index, PostgreSQL says Seq Scan.
        assert not re.search(r"\bSCAN\b|Seq Scan", plan), plan


async def test_counting_does_not_touch_the_rows():
    # On SQLite, whose plans do not change with the statistics.
    database = SQLite()
    query = parse_query(Level.STUDY, (("PatientID", "P1"),), max_limit=10)
    binds = {**SEEING.values, **values(query.conditions), "limit": 10, "offset": 0}

    plan = await database.explain(_page(Level.STUDY, forms(query.conditions), SEEING), binds)

    await database.close()
    assert "counted_instance USING COVERING INDEX" in plan


async def test_a_page_of_all_studies_looks_into_those_that_it_shows(database):
    store = Store(database)
    for number in range(100):
        await store(an_instance(study=f"1.{number}", series=f"1.{number}.1", sop=f"1.{number}.2"))
    if isinstance(database, PostgreSQL):
        await database.db.execute("ANALYZE")

    plan = await database.explain(_page(Level.STUDY, (), SEEING), {**SEEING.values, "limit": 10, "offset": 0})

    # Whether a study holds something visible is asked of each: a join would read all instances for ten studies.
    assert not re.search(r"Semi Join|HashAggregate|SCAN inside", plan), plan
    assert re.search(r"SubPlan|CORRELATED", plan)
