"""Deleting images: by their custodian alone, on record, and so that what is sent again is stored again."""

from typing import Any

import pytest
from sqlalchemy import func, select

from app.audit.record import Event
from app.blobs.tables import blob
from app.imaging import delete
from tests.app.imaging.images import CT, MR, a_file, address, send, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.app.imaging.test_disclosure import the_patient, watched
from tests.media import files, people, read
from tests.pacs import a_pacs
from tests.portal import signed_in
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

FILE = a_file(CT)
SECOND = a_file(CT, SOPInstanceUID="1.2.3.4", InstanceNumber=2)
STUDY, SERIES, INSTANCE = uids(FILE)
HIV = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}


async def blobs(world: World) -> int:
    (row,) = await world.hub.database.reader.fetch(select(func.count()).select_from(blob), {})
    return int(row[0])


@pytest.mark.parametrize("place", [f"/dicomweb/studies/{STUDY}", f"/dicomweb/studies/{STUDY}/series/{SERIES}"])
async def test_a_study_is_deleted_with_its_imaging_study_and_can_be_sent_again(world: World, place: str) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE, SECOND, a_file(MR))
    assert await blobs(world) == 3

    response = await world.http.delete(place, headers=hospital)

    assert (response.status_code, response.content) == (204, b"")
    for gone in (place, f"{place}/metadata", address(FILE)):
        assert (await world.http.get(gone, headers=hospital)).status_code == 404
    assert len((await world.http.get("/dicomweb/studies", headers=hospital)).json()) == 1
    assert await world.total(hospital, "ImagingStudy") == 1
    assert await blobs(world) == 1
    assert (await world.http.delete(place, headers=hospital)).status_code == 404
    # The same bytes, and others under the same UID: nothing is in their way.
    await stored(world, hospital, FILE, a_file(CT, SOPInstanceUID="1.2.3.4", InstanceNumber=3))
    assert await world.total(hospital, "ImagingStudy") == 2
    answer = await world.http.get(address(FILE), headers=hospital | {"accept": "application/dicom"})
    assert answer.content == FILE


async def test_the_imaging_study_follows_what_is_left(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE, SECOND)

    response = await world.http.delete(address(SECOND), headers=hospital)

    assert response.status_code == 204
    assert (await world.http.get(address(FILE), headers=hospital)).status_code == 200
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    assert entry["resource"]["numberOfInstances"] == 1
    assert entry["resource"]["meta"]["versionId"] == "2"


async def test_bytes_that_came_while_a_reference_was_being_deleted_are_not_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    async with a_pacs(FILE) as pacs:
        await a_source(world, pacs)
        await stored(world, hospital, a_manifest(FILE))
        assert await blobs(world) == 1
        held = delete.committed

        async def late(*arguments: Any) -> Any:
            # What was read says that it is a reference; before the transaction its bytes come.
            await stored(world, hospital, FILE)
            return await held(*arguments)

        monkeypatch.setattr(delete, "committed", late)
        response = await world.http.delete(address(FILE), headers=hospital)

    assert response.status_code == 204
    assert await blobs(world) == 1


async def test_others_delete_nothing(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    clerk = await world.client("hospital-a", role="clerk")
    await stored(world, hospital, FILE)
    place = f"/dicomweb/studies/{STUDY}"

    hidden = await world.http.delete(place, headers=clinic)
    unknown = await world.http.delete(f"/dicomweb/studies/{STUDY[::-1]}", headers=clinic)
    await world.post(hospital, a_consent(await the_patient(world, hospital), "clinic-c"))
    seen = await world.http.delete(place, headers=clinic)

    assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    assert (hidden.status_code, seen.status_code) == (404, 403)
    assert (await world.http.delete(place, headers=clerk)).status_code == 403
    assert (await world.http.get(place, headers=hospital)).status_code == 200


async def test_of_two_copies_the_caller_s_own_is_deleted(world: World) -> None:
    one, other = await world.client("hospital-a"), await world.client("hospital-b")
    await stored(world, one, FILE)
    await stored(world, other, FILE)

    assert (await world.http.delete(address(FILE), headers=one)).status_code == 204

    assert (await world.http.get(address(FILE), headers=one)).status_code == 404
    assert (await world.http.get(address(FILE), headers=other)).status_code == 200


async def test_what_hid_a_study_hides_it_when_it_is_sent_again(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, FILE)
    await world.post(hospital, a_consent(await the_patient(world, hospital), "clinic-c"))
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=hospital)).json()["entry"]
    study = entry["resource"]
    study["meta"]["security"] = [HIV]
    await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=hospital, json=study)
    assert (await world.http.get(address(FILE), headers=clinic)).status_code == 404

    assert (await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=hospital)).status_code == 204
    await stored(world, hospital, FILE)

    assert (await world.http.get(address(FILE), headers=hospital)).status_code == 200
    assert (await world.http.get(address(FILE), headers=clinic)).status_code == 404
    assert await world.total(clinic, "ImagingStudy") == 0


async def test_a_deletion_is_on_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)
    told: list[Event] = watched(world, monkeypatch)

    await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=hospital)

    (event,) = told
    assert (event.interaction, event.action, event.outcome) == ("dicom-delete", "D", "0")
    assert event.entities == (f"urn:oid:{STUDY}",)
    assert event.patient is not None


async def test_a_browser_s_cookie_deletes_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, FILE)

    response = await world.http.delete(address(FILE), headers={"cookie": "renkei_session=x"})

    assert response.status_code == 401
    assert (await send(world, hospital, FILE)).status_code == 200


async def test_what_a_disc_in_quarantine_holds_too_is_kept_for_it(world: World) -> None:
    site = await world.client("hospital-b")
    desk = await signed_in(world, "hospital-b", "clerk")
    number = await read(world, desk, {"A": FILE})
    await stored(world, site, FILE)

    deleted = await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=site)
    kept = await blobs(world)
    (one,) = await people(world, number)
    filed = await desk.post(f"/media/{number}/patients/{one.number}", {"act": "new"})
    answer = await world.http.get(address(FILE), headers=site | {"accept": "application/dicom"})
    again = await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=site)

    assert (deleted.status_code, kept, filed.status_code) == (204, 1, 303)
    assert (await files(world, number))["A"].state == "stored"
    assert answer.content == FILE
    # The disc has been filed: nothing else holds the bytes any more.
    assert (again.status_code, await blobs(world)) == (204, 0)
