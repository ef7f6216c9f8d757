"""Scopes at the DICOMweb door: images are what scopes of ImagingStudy open, of the launch's patient if they say so."""

import pytest

from tests.app.imaging.images import CT, MR, a_file, address, send, stored, uids
from tests.oauth import scoped
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def _patient_of(world: World, caller: dict[str, str], study: str) -> str:
    found = await world.http.get(f"/fhir/ImagingStudy?identifier=urn:oid:{study}", headers=caller)
    return str(found.json()["entry"][0]["resource"]["subject"]["reference"]).removeprefix("Patient/")


@pytest.mark.parametrize(
    ("scope", "search", "retrieve"),
    [
        ("system/ImagingStudy.rs", 200, 200),
        ("system/*.rs", 200, 200),
        ("system/ImagingStudy.r", 403, 200),
        ("system/ImagingStudy.s", 200, 403),
        ("system/Patient.rs", 403, 403),
        ("system/ImagingStudy.rs?status=available", 403, 403),
    ],
)
async def test_a_scope_of_imaging_studies_opens_images(world: World, scope: str, search: int, retrieve: int) -> None:
    await stored(world, await world.client("hospital-a"), a_file(CT))
    caller = await scoped(world, "hospital-a", scope)

    found = await world.http.get("/dicomweb/studies", headers=caller)
    read = await world.http.get(f"{address(a_file(CT))}/metadata", headers=caller)

    assert (found.status_code, read.status_code) == (search, retrieve)


async def test_e9_a_patients_scope_opens_no_other_patients_images(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(MR))
    patient = await _patient_of(world, hospital, uids(a_file(CT))[0])
    caller = await scoped(world, "hospital-a", "patient/ImagingStudy.rs", patient=patient)

    found = await world.http.get("/dicomweb/studies", headers=caller)
    own = await world.http.get(f"{address(a_file(CT))}/metadata", headers=caller)
    other = await world.http.get(f"{address(a_file(MR))}/metadata", headers=caller)

    assert [one["0020000D"]["Value"] for one in found.json()] == [[uids(a_file(CT))[0]]]
    assert (own.status_code, other.status_code) == (200, 404)


@pytest.mark.parametrize(
    ("scope", "status"),
    [("system/ImagingStudy.cu", 200), ("system/ImagingStudy.c", 403), ("system/Patient.cruds", 403)],
)
async def test_images_are_stored_by_a_scope_that_creates_and_updates(world: World, scope: str, status: int) -> None:
    caller = await scoped(world, "hospital-a", scope)

    assert (await send(world, caller, a_file(CT))).status_code == status


async def test_a_patients_scope_stores_no_images(world: World) -> None:
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    caller = await scoped(world, "hospital-a", "patient/*.cruds", patient=patient)

    assert (await send(world, caller, a_file(CT))).status_code == 403


async def test_images_are_deleted_by_a_scope_that_deletes(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4"))
    patient = await _patient_of(world, hospital, uids(a_file(CT))[0])
    answers = {
        "system/ImagingStudy.cru": 403,
        "system/Patient.cruds": 403,
        "system/ImagingStudy.d": 204,
    }

    found = {
        scope: (
            await world.http.delete(address(a_file(CT)), headers=await scoped(world, "hospital-a", scope))
        ).status_code
        for scope in answers
    }

    assert found == answers
    of_patient = await scoped(world, "hospital-a", "patient/*.cruds", patient=patient)
    study = f"/dicomweb/studies/{uids(a_file(CT))[0]}"
    assert (await world.http.delete(study, headers=of_patient)).status_code == 403
    assert (await world.http.get(study, headers=hospital)).status_code == 200
