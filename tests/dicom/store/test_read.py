import pytest

from dicom.store.read import read_instances
from tests.dicom.store.databases import Everything
from tests.dicom.store.stocking import Store, an_instance

pytestmark = pytest.mark.anyio


@pytest.fixture
async def stocked(database):
    store = Store(database)
    await store(an_instance(series="1.2.2", sop="1.2.2.1"))
    await store(an_instance(sop="1.2.1.10", number=10))
    await store(an_instance(sop="1.2.1.9", number=9))
    await store(an_instance(study="1.3", series="1.3.1", sop="1.3.1.1"))
    await store(an_instance(sop="1.2.1.9", number=9), patient_key=2, custodian=2)
    return database


@pytest.mark.parametrize(
    ("uids", "found"),
    [
        (("1.2",), [("1.2.1.9", 1), ("1.2.1.9", 2), ("1.2.1.10", 1), ("1.2.2.1", 1)]),
        (("1.2", "1.2.1"), [("1.2.1.9", 1), ("1.2.1.9", 2), ("1.2.1.10", 1)]),
        (("1.2", "1.2.1", "1.2.1.10"), [("1.2.1.10", 1)]),
        (("1.2", None, "1.2.1.10"), [("1.2.1.10", 1)]),
        (("1.3", "1.2.1"), []),
        (("1.2", "1.2.2", "1.2.1.10"), []),
        (("1.4",), []),
    ],
)
async def test_instances_are_found_by_their_uids_in_order(stocked, uids, found):
    rows = await read_instances(stocked, Everything(), *uids)

    assert [(row.sop_instance_uid, row.custodian) for row in rows] == found
