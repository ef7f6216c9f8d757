import pytest

from dicom.attributes import Level
from dicom.matching import parse_query
from dicom.names import PersonName
from dicom.store.search import count, search, search_page
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
        ((("StudyTime", "093000.500"),), ["1.1"]),
        ((("StudyDate", "20240430-20240502"), ("StudyTime", "1000-0900")), ["1.2", "1.1"]),
        ((("StudyDate", "20240501-20240502"), ("StudyTime", "0930-0900")), ["1.2", "1.1"]),
        ((("StudyDate", "20240501-20240502"), ("StudyTime", "0931-0900")), ["1.2"]),
        ((("StudyDate", "20240430-20240501"), ("StudyTime", "1000-0929")), []),
        ((("StudyDate", "20240501-"), ("StudyTime", "0930-")), ["1.2", "1.1"]),
        ((("StudyDate", "-20240501"), ("StudyTime", "-0930")), ["1.1"]),
        ((("StudyDate", "-20240501"), ("StudyTime", "-0929")), []),
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
        ((("SeriesNumber", "2.0"),), ["1.1.2"]),
        ((("SeriesNumber", "2\\1"),), ["1.1.1", "1.1.2"]),
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


class Counting:
    """A connection that notes how many statements it ran, and the most DICOM JSON that came at once."""

    def __init__(self, database):
        self.database, self.statements, self.most_bytes = database, 0, 0

    async def fetch(self, statement, values):
        rows = await self.database.fetch(statement, values)
        self.statements += 1
        sizes = (len(cell) for row in rows for cell in row if isinstance(cell, bytes | memoryview))
        self.most_bytes = max(self.most_bytes, sum(sizes))
        return rows


async def test_headers_are_read_once_a_few_at_a_time_and_no_further_than_needed(database, monkeypatch):
    monkeypatch.setattr("dicom.store.unindexed.READ_AT_ONCE", 4)
    monkeypatch.setattr("dicom.store.unindexed.READ_BYTES", 16_500)
    store = Store(database)
    for number in range(1, 13):
        long = {"description": "x" * (16_000 if number == 3 else 10)}
        await store(an_instance(sop=f"1.2.1.{number}", number=number, **long))

    def query(*pairs):
        return parse_query(Level.INSTANCE, [("SamplesPerPixel", "1"), *pairs], max_limit=100)

    whole, first, counted = Counting(database), Counting(database), Counting(database)
    page = await search_page(whole, Everything(), query(), most=1_001)
    few = await search_page(first, Everything(), query(("limit", "2")), most=0)

    assert [one.instance.instance_number for one in page.found] == list(range(1, 13))
    assert (page.total, page.more) == (12, False)
    # The list; groups of four at most, of which the long one is one; the page in three.
    assert (whole.statements, whole.most_bytes < 25_000) == (9, True)
    assert [one.instance.instance_number for one in few.found] == [1, 2]
    assert (few.more, first.statements) == (True, 4)
    assert await count(counted, Everything(), query(), most=3) == 3
    assert counted.statements == 3
    assert (await search_page(whole, Everything(), query(("offset", "20")), most=1_001))[1:] == (False, 12)
