"""What a study is said to be does not depend on what came first: an image's word goes before a key object's."""

from itertools import permutations

import pytest
from sqlalchemy import select

from dicom.part10 import read_instance
from dicom.store.batch import Batch
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from dicom.store.write import extract
from tests.dicom.store.stocking import Store, an_instance

pytestmark = pytest.mark.anyio

KEY_OBJECT = "1.2.840.10008.5.1.4.1.1.88.59"
REPORT = "1.2.840.10008.5.1.4.1.1.88.11"
OLD, NEW = 1_161_000_000_000_000, 1_661_000_000_000_000


def a_key_object(sop="1.2.9.1", **more):
    said = {"date": "20061026", "time": "141819", "accession": "KEY", "description": "Key Images", **more}
    return an_instance(sop=sop, series="1.2.9", modality="KO", sop_class=KEY_OBJECT, **said)


def a_slice(number, **more):
    said = {"date": "20220822", "time": "083117", "description": "Chest", "patient_name": "Doe^John", **more}
    return an_instance(sop=f"1.2.1.{number}", number=number, **said)


STUDY = [
    (a_key_object(study_id="S9"), OLD),
    (a_slice(1), NEW),
    (a_slice(3, accession="IMAGE"), NEW),
    (an_instance(sop="1.2.8.1", series="1.2.8", modality="SR", sop_class=REPORT, referrer="Sato^A"), 0),
]


async def _study(database):
    names = ("study_date", "study_time", "accession_number", "study_description", "study_id", "patient_name_alphabetic")
    columns = [dicom_study.c[name] for name in (*names, "referring_physician_name_words", "clinical_date")]
    ((*study,),) = await database.fetch(select(*columns), {})
    dates = await database.fetch(select(dicom_series.c.clinical_date), {})
    dates += await database.fetch(select(dicom_instance.c.clinical_date), {})
    return study, {date for (date,) in dates}


TOLD = ["20220822", "083117", "IMAGE", "Chest", "S9", "Doe^John"]


async def _emptied(database):
    for table in (dicom_instance, dicom_series, dicom_study):
        await database.execute(table.delete(), {})


async def test_the_order_in_which_instances_come_does_not_matter(database):
    for order in permutations(STUDY):
        await _emptied(database)
        store = Store(database)
        for data, date in order:
            await store(data, clinical_date=date)

        study, dates = await _study(database)

        assert study[:6] == TOLD
        assert "SATO" in study[6].upper()
        assert (study[7], dates) == (NEW, {NEW})


async def test_the_order_in_one_batch_does_not_matter_either(database):
    for order in permutations(STUDY):
        await _emptied(database)
        batch = Batch(database, 1)
        await batch.read_ahead(extract(read_instance(data)).facts for data, _ in order)
        store = Store(batch)
        for data, date in order:
            await store(data, clinical_date=date)
        await batch.flush()

        study, dates = await _study(database)

        assert study[:6] == TOLD
        assert (study[7], dates) == (NEW, {NEW})


async def test_among_images_the_first_stays_and_what_it_left_out_is_filled_in(database):
    store = Store(database)
    await store(a_slice(1, accession=""), clinical_date=NEW)
    await store(a_slice(2, accession="A2", description="Other", date="20200101"), clinical_date=OLD)
    await store(a_slice(3, accession="A3"), clinical_date=NEW)

    study, dates = await _study(database)

    assert study[:4] == ["20220822", "083117", "A2", "Chest"]
    assert (study[7], dates) == (NEW, {NEW})


async def test_a_date_comes_with_its_own_time(database):
    store = Store(database)
    await store(a_key_object(), clinical_date=OLD)
    await store(a_slice(1, time=""), clinical_date=NEW)

    study, dates = await _study(database)

    assert study[:2] == ["20220822", ""]
    assert (study[7], dates) == (NEW, {NEW})


async def test_what_an_image_of_a_series_says_goes_before_a_presentation_state_in_it(database):
    state = an_instance(sop="1.2.1.9", modality="PR", sop_class="1.2.840.10008.5.1.4.1.1.11.1", series_number=9)
    for order in ([state, a_slice(1, series_number=2)], [a_slice(1, series_number=2), state]):
        await _emptied(database)
        store = Store(database)
        for data in order:
            await store(data)

        found = await database.fetch(select(dicom_series.c.modality, dicom_series.c.series_number), {})

        assert [tuple(row) for row in found] == [("CT", 2)]
