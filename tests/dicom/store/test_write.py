import orjson
import pytest
from sqlalchemy import func, select

from dicom.failures import IdentityConflict, InvalidInstance
from dicom.frame_table import frame_place
from dicom.store.read import read_instances, read_models
from dicom.store.tables import dicom_instance, dicom_series, dicom_study
from dicom.store.write import Outcome
from tests.dicom.making import instance, pydicom_file
from tests.dicom.store.databases import Everything
from tests.dicom.store.stocking import NOW, Store, an_instance

pytestmark = pytest.mark.anyio


async def counts(database):
    tables = (dicom_study, dicom_series, dicom_instance)
    return [(await database.fetch(select(func.count()).select_from(table), {}))[0][0] for table in tables]


async def test_a_first_instance_makes_its_study_and_series(database):
    stored = await Store(database)(an_instance())

    assert stored.outcome is Outcome.CREATED
    assert stored.facts.instance.sop_instance_uid == "1.2.1.1"
    assert await counts(database) == [1, 1, 1]


async def test_another_instance_joins_them(database):
    store = Store(database)
    await store(an_instance())

    await store(an_instance(sop="1.2.1.2"))
    await store(an_instance(series="1.2.2", sop="1.2.2.1"))

    assert await counts(database) == [1, 2, 3]


async def test_the_same_bytes_again_change_nothing(database):
    store = Store(database)
    first = await store(an_instance())

    second = await store(an_instance())

    assert (second.outcome, second.id) == (Outcome.UNCHANGED, first.id)
    assert await counts(database) == [1, 1, 1]


async def test_the_same_cd_from_another_custodian_is_kept_beside_it(database):
    store = Store(database)
    await store(an_instance())

    await store(an_instance(), patient_key=2, custodian=2)

    assert await counts(database) == [2, 2, 2]


@pytest.mark.parametrize(
    ("changes", "columns", "reason"),
    [
        ({"number": 2}, {}, "the SOP Instance UID is in use"),
        ({}, {"patient_key": 2}, "the SOP Instance UID is in use"),
        ({"sop": "1.9"}, {"patient_key": 2}, "the Study Instance UID is in use"),
        ({"sop": "1.9", "study": "1.8"}, {}, "the Series Instance UID is in use"),
        ({"sop": "1.9", "study": "1.8"}, {"patient_key": 2}, "the Series Instance UID is in use"),
    ],
    ids=[
        "other bytes",
        "another patient",
        "a study of another patient",
        "a series of another study",
        "a series of another patient",
    ],
)
async def test_a_uid_in_use_is_a_conflict(database, changes, columns, reason):
    store = Store(database)
    await store(an_instance())

    with pytest.raises(InvalidInstance, match=reason) as caught:
        await store(an_instance(**changes), **columns)

    assert caught.value.code == 0x0111
    # Only where the patient alone is in doubt a person may decide.
    assert isinstance(caught.value, IdentityConflict) == bool(columns)
    assert await counts(database) == [1, 1, 1]


async def test_labels_of_the_study_and_the_series_come_down_and_never_go_up(database):
    store = Store(database)
    await store(an_instance(), labels=0b001)
    await store(an_instance(series="1.2.2", sop="1.2.2.1"), labels=0b010)

    await store(an_instance(series="1.2.2", sop="1.2.2.2"), labels=0b100)

    found = await database.fetch(select(dicom_instance.c.labels).order_by(dicom_instance.c.id), {})
    assert [row[0] for row in found] == [0b001, 0b011, 0b111]
    study = await database.fetch(select(dicom_study.c.labels, dicom_study.c.stored), {})
    assert [tuple(row) for row in study] == [(0b001, NOW)]


async def test_the_same_bytes_again_may_add_labels_but_take_none_away(database):
    store = Store(database)
    for labels in (0b01, 0b10, 0b00):
        await store(an_instance(), labels=labels)

    assert await database.fetch(select(dicom_instance.c.labels), {}) == [(0b11,)]


async def test_an_instance_that_cannot_be_rendered_leaves_nothing_behind(database):
    with pytest.raises(InvalidInstance, match="more than 100000 values"):
        await Store(database)(instance({0x00189329: ("UC", b"\\A" * 100_001)}))

    assert await counts(database) == [0, 0, 0]


async def test_a_row_says_where_the_pixels_are(database):
    data = an_instance()
    await Store(database)(data, clinical_date=5)

    (row,) = await read_instances(database, Everything(), "1.2")

    assert data[row.pixel_offset : row.pixel_offset + row.pixel_length] == b"123456"
    ((offset, length),), _, _ = frame_place(row.frames, 0)
    assert data[offset : offset + length] == b"123456"
    assert (row.number_of_frames, row.size, row.clinical_date) == (1, len(data), 5)
    assert row.transfer_syntax_uid == "1.2.840.10008.1.2.1"


@pytest.mark.parametrize("data", [instance(), pydicom_file("image_dfl.dcm")], ids=["no pixels", "deflated"])
async def test_a_row_without_pixels_in_its_blob_says_so(database, data):
    stored = await Store(database)(data)

    (row,) = await read_instances(database, Everything(), stored.facts.study.study_instance_uid)

    assert (row.pixel_offset, row.pixel_length, row.frames) == (None, None, None)


async def test_the_model_is_kept(database):
    await Store(database)(an_instance(patient_name="Yamada=山田"), patient_key=7)

    (found,) = await read_models(database, Everything(), "1.2", "1.2.1", "1.2.1.1")

    assert found.patient_key == 7
    assert orjson.loads(found.model)["00100010"]["Value"] == [{"Alphabetic": "Yamada", "Ideographic": "山田"}]
