"""Provisions about single resources, and about images as a kind, hold for all that is made of them."""

from typing import Any

import pytest

from tests.app.imaging.images import CT, a_file, address, stored, uids
from tests.reports import a_reading, picture, some_key_images
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

NUMBERS = "urn:oid:1.2.392.100495.20.3.51.10110000001"


async def a_person(world: World, caller: dict[str, str], number: str, *, shown: bool = True) -> str:
    """Make the patient of images, who lets the clinic see everything if `shown`; return the id."""
    patient = await world.post(caller, a_patient(identifier=[{"system": NUMBERS, "value": number}]))
    if shown:
        await world.post(caller, a_consent(patient["id"], "clinic-c"))
    return str(patient["id"])


def own_study(patient: str, image: bytes, **fields: Any) -> dict[str, Any]:
    """Return what a site says of a study itself."""
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uids(image)[0]}"}],
        "status": "available",
        "subject": {"reference": f"Patient/{patient}"},
        **fields,
    }


def of(meaning: str, reference: str) -> list[dict[str, Any]]:
    return [{"meaning": meaning, "reference": {"reference": reference}}]


def a_denial(patient: str, meaning: str, reference: str) -> dict[str, Any]:
    return a_consent(patient, "clinic-c", type="deny", data=of(meaning, reference))


async def looked_at(world: World, caller: dict[str, str], image: bytes) -> tuple[int, int]:
    """Return how an image is answered, and how many studies a search finds."""
    one = await world.http.get(address(image), headers=caller)
    found = await world.http.get("/dicomweb/studies", headers=caller)
    return one.status_code, len(found.json())


@pytest.mark.parametrize("meaning", ["instance", "dependents", "related"])
@pytest.mark.parametrize("first", ["images", "study", "denial"])
async def test_who_denies_an_imaging_study_of_the_sites_denies_its_images(
    world: World, meaning: str, first: str
) -> None:
    image = a_file(CT)
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "1CT1")
    if first == "images":
        await stored(world, site, image)
    study = await world.post(site, own_study(patient, image))
    if first == "study":
        await stored(world, site, image)
        assert await looked_at(world, reader, image) == (200, 1)

    await world.post(site, a_denial(patient, meaning, f"ImagingStudy/{study['id']}"))
    if first == "denial":
        await stored(world, site, image)

    assert await looked_at(world, reader, image) == (404, 0)
    assert await world.total(reader, "ImagingStudy?_total=accurate") == 0
    assert await looked_at(world, site, image) == (200, 1)


async def test_the_denial_holds_for_a_later_version_and_when_the_site_has_deleted_it(world: World) -> None:
    image = a_file(CT)
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "1CT1")
    study = await world.post(site, own_study(patient, image))
    await stored(world, site, image)
    await world.post(site, a_denial(patient, "instance", f"ImagingStudy/{study['id']}"))
    place = f"/fhir/ImagingStudy/{study['id']}"

    (await world.http.put(place, headers=site, json={**study, "description": "腹部"})).raise_for_status()
    changed = await looked_at(world, reader, image)
    (await world.http.delete(place, headers=site)).raise_for_status()
    deleted = await looked_at(world, reader, image)
    await stored(world, site, a_file(CT, SOPInstanceUID="1.2.3.77"))

    assert changed == deleted == await looked_at(world, reader, image) == (404, 0)
    assert await world.total(reader, "ImagingStudy?_total=accurate") == 0


async def test_who_permits_an_imaging_study_of_the_sites_alone_permits_its_images(world: World) -> None:
    image, other = a_file(CT), a_file(CT, StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.4", SOPInstanceUID="1.2.5")
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "1CT1", shown=False)
    study = await world.post(site, own_study(patient, image))
    await stored(world, site, image, other)

    named = of("instance", f"ImagingStudy/{study['id']}")
    await world.post(site, a_consent(patient, "clinic-c", data=named))

    assert await looked_at(world, reader, image) == (200, 1)
    assert (await world.http.get(address(other), headers=reader)).status_code == 404


@pytest.mark.parametrize("meaning", ["dependents", "related"])
async def test_images_of_a_visit_go_with_it_as_the_sites_imaging_study_says(world: World, meaning: str) -> None:
    image = a_file(CT)
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "1CT1")
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    visit = {"resourceType": "Encounter", "status": "finished", "class": kind}
    made = await world.post(site, {**visit, "subject": {"reference": f"Patient/{patient}"}})
    encounter = {"reference": f"Encounter/{made['id']}"}
    await stored(world, site, image)
    await world.post(site, own_study(patient, image, encounter=encounter))
    before = await looked_at(world, reader, image)

    await world.post(site, a_denial(patient, meaning, encounter["reference"]))

    assert (before, await looked_at(world, reader, image)) == ((200, 1), (404, 0))


async def test_images_go_with_what_refers_to_the_sites_imaging_study(world: World) -> None:
    image = a_file(CT)
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "1CT1")
    await stored(world, site, image)
    study = await world.post(site, own_study(patient, image))
    reported = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "読影"}}
    named = {"reference": f"ImagingStudy/{study['id']}"}
    subject = {"reference": f"Patient/{patient}"}
    report = await world.post(site, {**reported, "subject": subject, "imagingStudy": [named]})

    await world.post(site, a_denial(patient, "related", f"DiagnosticReport/{report['id']}"))

    assert await looked_at(world, reader, image) == (404, 0)


@pytest.mark.parametrize("meaning", ["instance", "dependents", "related"])
async def test_who_denies_a_report_denies_the_instance_that_says_it(world: World, meaning: str) -> None:
    report, image = a_reading(PatientID="P1"), some_key_images(picture(), PatientID="P1")
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "P1")
    await stored(world, site, report, image)
    (entry,) = (await world.http.get("/fhir/DiagnosticReport", headers=reader)).json()["entry"]
    before = (await world.http.get(address(report), headers=reader)).status_code

    await world.post(site, a_denial(patient, meaning, f"DiagnosticReport/{entry['resource']['id']}"))

    assert (before, (await world.http.get(address(report), headers=reader)).status_code) == (200, 404)
    others = (await world.http.get(address(image), headers=reader)).status_code
    assert others == (404 if meaning == "related" else 200)


@pytest.mark.parametrize("meaning", ["dependents", "related"])
@pytest.mark.parametrize("by", ["hub", "site"])
async def test_who_denies_a_study_and_what_depends_on_it_denies_its_reports(
    world: World, meaning: str, by: str
) -> None:
    report = a_reading(PatientID="P1")
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "P1")
    if by == "site":
        await world.post(site, own_study(patient, report))
    await stored(world, site, report, some_key_images(picture(), PatientID="P1"))
    types = ("ImagingStudy", "DiagnosticReport", "DocumentReference", "Provenance")
    before = [await world.total(reader, f"{name}?_total=accurate") for name in types]
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=site)).json()["entry"]

    await world.post(site, a_denial(patient, meaning, f"ImagingStudy/{entry['resource']['id']}"))

    assert before == [1, 1, 1, 2]
    assert [await world.total(reader, f"{name}?_total=accurate") for name in types] == [0, 0, 0, 0]


@pytest.mark.parametrize("meaning", ["dependents", "related"])
@pytest.mark.parametrize("how", ["on-demand", "snapshot"])
async def test_who_denies_a_study_and_what_depends_on_it_denies_its_manifests(
    world: World, meaning: str, how: str
) -> None:
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "1CT1")
    await stored(world, site, a_file(CT))
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=site)).json()["entry"]
    study = f"ImagingStudy/{entry['resource']['id']}"
    (await world.http.post(f"/fhir/{study}/$manifest?persist={how}", headers=site)).raise_for_status()
    types = ("DocumentReference", "Binary", "Bundle", "Provenance")
    before = [await world.total(reader, f"{name}?_total=accurate") for name in types]

    await world.post(site, a_denial(patient, meaning, study))

    assert before == ([2, 1, 1, 1] if how == "snapshot" else [2, 0, 0, 1])
    assert [await world.total(reader, f"{name}?_total=accurate") for name in types] == [0, 0, 0, 0]


@pytest.mark.parametrize("how", ["on-demand", "snapshot"])
async def test_who_denies_images_is_told_of_in_nothing_that_is_made_of_them(world: World, how: str) -> None:
    site, reader = await world.client("hospital-a"), await world.client("clinic-c", role="doctor")
    patient = await a_person(world, site, "P1")
    report, keys = a_reading(PatientID="P1"), some_key_images(picture(), PatientID="P1")
    await stored(world, site, report, keys)
    (entry,) = (await world.http.get("/fhir/ImagingStudy", headers=site)).json()["entry"]
    study = f"ImagingStudy/{entry['resource']['id']}"
    (await world.http.post(f"/fhir/{study}/$manifest?persist={how}", headers=site)).raise_for_status()
    types = ("ImagingStudy", "DiagnosticReport", "DocumentReference", "Binary", "Bundle", "Provenance")
    before = [await world.total(reader, f"{name}?_total=accurate") for name in types]

    coding = {"system": "http://renkei.example/fhir/CodeSystem/category", "code": "imaging"}
    await world.post(site, a_consent(patient, "clinic-c", type="deny", code=[{"coding": [coding]}]))

    assert before == [1, 1, 3, *((1, 1) if how == "snapshot" else (0, 0)), 3]
    assert [await world.total(reader, f"{name}?_total=accurate") for name in types] == [0] * len(types)
