"""The ImagingStudy of a study that grows instance by instance: written once for many, and never lost."""

import pytest
from sqlalchemy import bindparam, select, update

from app.clock import now
from app.imaging import description
from app.imaging.undescribed.describe import describe_due, describe_now
from app.imaging.undescribed.note import AFTER, Undescribed, note
from app.imaging.undescribed.tables import dicom_undescribed
from dicom.store.tables import TOLD_BEFORE, dicom_study
from tests.app.imaging.dimse.test_store import CT_CLASS, data_set, sent
from tests.app.imaging.images import CT, a_file, address, stored
from tests.app.imaging.test_disclosure import the_patient
from tests.app.imaging.test_filing import FIRST, KEYS, STUDY, TOLD, described, told
from tests.dimse import a_node, aside, associating
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

HIV = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}


def a_slice(number: int) -> bytes:
    return a_file(CT, SOPInstanceUID=f"1.2.3.{number}", InstanceNumber=number)


def instances(first: int, last: int) -> list[tuple[str, str, bytes]]:
    return [(CT_CLASS, f"1.2.3.{number}", data_set(a_slice(number))) for number in range(first, last + 1)]


@pytest.fixture
def waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A hub whose clock stands: nothing has waited long enough before it is told so."""
    instant = now()
    monkeypatch.setattr(world.hub, "clock", lambda: instant)
    return world


def later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    instant = world.hub.clock() + AFTER
    monkeypatch.setattr(world.hub, "clock", lambda: instant)


async def notes(world: World) -> int:
    return len(await world.hub.database.reader.fetch(select(dicom_undescribed.c.study), {}))


async def test_an_association_of_thirty_slices_makes_two_versions_and_the_last_tells_all(waiting: World) -> None:
    await a_node(waiting)
    caller = await waiting.client("hospital-a")
    async with associating(waiting.hub) as door:
        assert await aside(sent, door, *instances(1, 30)) == [0] * 30
        # The association is released: nobody has to wait for anything.
        study = await described(waiting, caller)

    assert (study["numberOfInstances"], study["meta"]["versionId"]) == (30, "2")
    assert len(study["series"][0]["instance"]) == 30
    assert await notes(waiting) == 0


async def test_what_comes_in_an_association_of_its_own_is_told_after_a_while(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_node(waiting)
    caller = await waiting.client("hospital-a")
    async with associating(waiting.hub) as door:
        for one in instances(1, 5):
            await aside(sent, door, one)
        before = await described(waiting, caller)
        found = (await waiting.http.get("/dicomweb/instances", headers=caller)).json()
        later(waiting, monkeypatch)
        await describe_due(waiting.hub)
    after = await described(waiting, caller)

    assert (before["numberOfInstances"], len(found)) == (1, 5)
    assert (after["numberOfInstances"], after["meta"]["versionId"]) == (5, "2")
    assert await notes(waiting) == 0


async def test_a_label_counts_at_once_for_what_is_not_told_of_yet(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_node(waiting)
    hospital, clinic = await waiting.client("hospital-a"), await waiting.client("clinic-c")
    async with associating(waiting.hub) as door:
        await aside(sent, door, *instances(1, 1))
        await waiting.post(hospital, a_consent(await the_patient(waiting, hospital), "clinic-c"))
        study = await described(waiting, hospital)
        await aside(sent, door, *instances(2, 2))
        assert (await waiting.http.get(address(a_slice(2)), headers=clinic)).status_code == 200

        study["meta"]["security"] = [HIV]
        await waiting.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=hospital, json=study)
        await aside(sent, door, *instances(3, 3))

    for hidden in (2, 3):
        assert (await waiting.http.get(address(a_slice(hidden)), headers=clinic)).status_code == 404
    later(waiting, monkeypatch)
    await describe_due(waiting.hub)
    assert (await described(waiting, hospital))["numberOfInstances"] == 3
    assert await waiting.total(clinic, "ImagingStudy") == 0


async def test_a_study_that_is_deleted_meanwhile_stays_deleted(waiting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_node(waiting)
    caller = await waiting.client("hospital-a")
    async with associating(waiting.hub) as door:
        for one in instances(1, 2):
            await aside(sent, door, one)
    assert await notes(waiting) == 1

    await waiting.http.delete(f"/dicomweb/studies/{STUDY}", headers=caller)
    later(waiting, monkeypatch)
    await describe_due(waiting.hub)

    assert await waiting.total(caller, "ImagingStudy") == 0
    assert await notes(waiting) == 0


async def test_what_stow_brings_is_told_in_its_own_transaction_with_what_waited(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_node(waiting)
    caller = await waiting.client("hospital-a")
    async with associating(waiting.hub) as door:
        for one in instances(1, 3):
            await aside(sent, door, one)
    later(waiting, monkeypatch)

    await stored(waiting, caller, a_slice(4))

    study = await described(waiting, caller)
    assert (study["numberOfInstances"], study["meta"]["versionId"]) == (4, "2")
    assert await notes(waiting) == 0


async def test_a_study_that_comes_in_many_requests_is_told_of_twice(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await waiting.client("hospital-a")
    for number in range(1, 6):
        await stored(waiting, caller, a_slice(number))
    before = await described(waiting, caller)
    found = (await waiting.http.get("/dicomweb/instances", headers=caller)).json()

    later(waiting, monkeypatch)
    await describe_due(waiting.hub)

    after = await described(waiting, caller)
    assert (before["numberOfInstances"], before["meta"]["versionId"], len(found)) == (1, "1", 5)
    assert (after["numberOfInstances"], after["meta"]["versionId"]) == (5, "2")
    assert await notes(waiting) == 0


async def test_a_study_of_an_earlier_release_that_a_key_object_told_of_is_told_of_anew(waiting: World) -> None:
    caller = await waiting.client("hospital-a")
    await stored(waiting, caller, FIRST, KEYS)
    wrong = {"study_date": "20061026", "study_time": "141819", "accession_number": "KEY", "told": TOLD_BEFORE}
    async with waiting.hub.database.write() as connection:
        (row,) = await connection.fetch(
            select(dicom_study.c.patient_key, dicom_study.c.id, dicom_study.c.custodian), {}
        )
        await connection.execute(
            update(dicom_study).values({name: bindparam(f"n_{name}") for name in wrong}),
            {f"n_{name}": value for name, value in wrong.items()},
        )
        await note(connection, Undescribed(*row, STUDY, since=0))

    await describe_due(waiting.hub)

    assert await told(waiting, caller) == TOLD
    assert await notes(waiting) == 0


async def test_what_cannot_be_described_waits_and_is_not_forgotten(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_node(waiting)
    caller = await waiting.client("hospital-a")
    async with associating(waiting.hub) as door:
        for one in instances(1, 2):
            await aside(sent, door, one)
    later(waiting, monkeypatch)

    def refused(*_: object, **__: object) -> None:
        raise KeyError("not now")

    with monkeypatch.context() as failing:
        failing.setattr(description, "imaging_study", refused)
        await describe_due(waiting.hub)
    assert (await described(waiting, caller))["numberOfInstances"] == 1
    assert await notes(waiting) == 1

    await describe_now(waiting.hub, 1, [STUDY])

    assert (await described(waiting, caller))["numberOfInstances"] == 2
