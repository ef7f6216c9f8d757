import pytest

from dicom.attributes import Level
from dicom.matching import parse_query
from dicom.names import PersonName
from dicom.store.search import count, search
from tests.dicom.store.databases import Everything
from tests.dicom.store.stocking import Store, an_instance

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stocked(database):
    """Three studies: a CT with two series, a CR, and one that says next to nothing."""
    store = Store(database)
    ct = {
        "study": "1.1",
        "patient_id": "P%1",
        "patient_name": "Yamada^Tarou=山田^太郎=ヤマダ^タロウ",
        "date": "20240501",
        "time": "093000.5",
        "accession": "A1",
        "description": "Thorax nativ",
    }
    await store(an_instance(**ct, series="1.1.2", sop="1.1.2.1", modality="SR", series_number=2))
    await store(an_instance(**ct, series="1.1.1", sop="1.1.1.2", number=2, series_number=1))
    await store(an_instance(**ct, series="1.1.1", sop="1.1.1.1", number=1, series_number=1))
    cr = {"date": "20240502", "patient_id": "PX1", "patient_name": "SUZUKI^Hanako", "accession": "A2"}
    await store(an_instance(study="1.2", series="1.2.1", sop="1.2.1.1", modality="CR", **cr), patient_key=2)
    await store(an_instance(study="1.3", series="1.3.1", sop="1.3.1.1", modality="CR"), patient_key=3)
    return database


async def found(database, level, *pairs, max_limit=100):
    query = parse_query(level, pairs, max_limit=max_limit)
    return await search(database, Everything(), query), await count(database, Everything(), query)


@pytest.mark.parametrize(
    ("pairs", "studies"),
    [
        ((), ["1.2", "1.1", "1.3"]),
        ((("StudyInstanceUID", "1.1"),), ["1.1"]),
        ((("StudyInstanceUID", "1.1,1.3,1.9"),), ["1.1", "1.3"]),
        ((("PatientID", "P%1"),), ["1.1"]),
        ((("PatientID", "P?1"),), ["1.2", "1.1"]),
        ((("PatientID", "P%*"),), ["1.1"]),
        ((("PatientID", "p*"),), ["1.2", "1.1"]),
        ((("PatientName", "yamada*"),), ["1.1"]),
        ((("PatientName", "山田*"),), ["1.1"]),
        ((("PatientName", "やまだ^たろう"),), ["1.1"]),
        ((("PatientName", "ﾔﾏﾀﾞ*"),), ["1.1"]),
        ((("PatientName", "Yamada*=鈴木*"),), []),
        ((("PatientName", "Suzuki^Hanako"),), ["1.2"]),
        ((("PatientName", "Suzuki"),), []),
        ((("StudyDate", "20240501"),), ["1.1"]),
        ((("StudyDate", "20240502-"),), ["1.2"]),
        ((("StudyTime", "0930"),), ["1.1"]),
        ((("StudyTime", "0931-"),), []),
        ((("AccessionNumber", "A?"), ("StudyDate", "-20240501")), ["1.1"]),
        ((("StudyDescription", "*NATIV"),), ["1.1"]),
        ((("ModalitiesInStudy", "CT"),), ["1.1"]),
        ((("ModalitiesInStudy", "CR\\SR"),), ["1.2", "1.1", "1.3"]),
        ((("ModalitiesInStudy", "MR"),), []),
    ],
)
async def test_studies_match(stocked, pairs, studies):
    results, total = await found(stocked, Level.STUDY, *pairs)

    assert [one.study.study_instance_uid for one in results] == studies
    assert total == len(studies)


async def test_a_study_comes_with_its_facts_and_counts(stocked):
    (one,), _ = await found(stocked, Level.STUDY, ("StudyInstanceUID", "1.1"))

    assert one.study.patient_name == PersonName("Yamada^Tarou", "山田^太郎", "ヤマダ^タロウ")
    assert (one.study.study_date, one.study.study_time) == ("20240501", "093000.5")
    assert (one.patient_key, one.custodian, one.series, one.instance) == (1, 1, None, None)
    assert one.modalities_in_study == ("CT", "SR")
    assert (one.number_of_series, one.number_of_instances) == (2, 3)


@pytest.mark.parametrize(
    ("pairs", "series"),
    [
        ((("StudyInstanceUID", "1.1"),), ["1.1.1", "1.1.2"]),
        ((("Modality", "CR"),), ["1.2.1", "1.3.1"]),
        ((("SeriesNumber", "2"),), ["1.1.2"]),
        ((("PatientID", "PX1"), ("Modality", "CR")), ["1.2.1"]),
    ],
)
async def test_series_match(stocked, pairs, series):
    results, total = await found(stocked, Level.SERIES, *pairs)

    assert [one.series.series_instance_uid for one in results] == series
    assert total == len(series)


async def test_a_series_counts_its_instances(stocked):
    results, _ = await found(stocked, Level.SERIES, ("StudyInstanceUID", "1.1"))

    assert [(one.number_of_series, one.number_of_instances) for one in results] == [(0, 2), (0, 1)]


@pytest.mark.parametrize(
    ("pairs", "instances"),
    [
        ((("SeriesInstanceUID", "1.1.1"),), ["1.1.1.1", "1.1.1.2"]),
        ((("StudyInstanceUID", "1.1"), ("InstanceNumber", "2")), ["1.1.1.2"]),
        ((("SOPInstanceUID", "1.2.1.1"), ("Rows", "2"), ("Modality", "CR")), ["1.2.1.1"]),
        ((("Rows", "3"),), []),
    ],
)
async def test_instances_match(stocked, pairs, instances):
    results, total = await found(stocked, Level.INSTANCE, *pairs)

    assert [one.instance.sop_instance_uid for one in results] == instances
    assert total == len(instances)
    assert all((one.instance.rows, one.instance.columns) == (2, 3) for one in results)


async def test_pages_follow_each_other(stocked):
    pages = [
        [one.study.study_instance_uid for one in (await found(stocked, Level.STUDY, *page))[0]]
        for page in (
            [("limit", "2")],
            [("limit", "2"), ("offset", "2")],
            [("offset", "5")],
            [("limit", "0")],
        )
    ]

    assert pages == [["1.2", "1.1"], ["1.3"], [], []]
