"""What was told of instances when these, their study or its history go, and when they come back."""

import pytest

from tests.app.imaging.images import stored
from tests.app.imaging.reports.test_filing import HIV, found, the_patient
from tests.reports import STUDY, a_ct_dose, a_document, a_reading
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

TYPES = ("DiagnosticReport", "Observation", "DocumentReference")


async def test_with_one_instance_goes_what_was_told_of_it_alone(world: World) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, a_reading(), a_ct_dose(), a_document(b"%PDF-1.4"))

    path = f"/dicomweb/studies/{STUDY}/series/1.2.392.66.41.9/instances/1.2.392.66.41"
    answer = await world.http.delete(path, headers=site)

    assert answer.status_code == 204
    assert [len(await found(world, site, name)) for name in TYPES] == [1, 0, 1]
    targets = [one["target"][0]["reference"] for one in await found(world, site, "Provenance")]
    assert sorted(one.partition("/")[0] for one in targets) == ["DiagnosticReport", "DocumentReference"]


async def test_what_comes_back_is_told_of_again_and_as_hidden_as_it_was(world: World) -> None:
    site, other = await world.client("hospital-a"), await world.client("clinic-c")
    await world.post(site, a_consent(await the_patient(world, site), "clinic-c"))
    await stored(world, site, a_reading(), a_ct_dose())
    (study,) = await found(world, site, "ImagingStudy")
    study["meta"]["security"] = [HIV]
    await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=site, json=study)
    await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=site)

    await stored(world, site, a_reading(), a_ct_dose())

    assert [len(await found(world, site, name)) for name in TYPES] == [1, 1, 0]
    assert [len(await found(world, other, name)) for name in (*TYPES, "ImagingStudy")] == [0, 0, 0, 0]


async def test_a_patient_whose_images_were_deleted_can_be_removed_for_good(world: World) -> None:
    site, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    patient = await the_patient(world, site)
    await stored(world, site, a_reading(), a_ct_dose())
    names = ("ImagingStudy", "DiagnosticReport", "Observation", "Provenance")
    made = [f"{name}/{one['id']}" for name in names for one in await found(world, site, name)]
    await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=site)
    await world.http.delete(f"/fhir/Patient/{patient}", headers=site)

    removed = [
        await world.http.post(f"/fhir/{one}/$expunge?expungeDeletedResources=true", headers=office)
        for one in [*made, f"Patient/{patient}"]
    ]

    assert [one.status_code for one in removed] == [200] * (len(made) + 1)
    for one in made:
        assert (await world.http.get(f"/fhir/{one}/_history", headers=site)).status_code == 404
