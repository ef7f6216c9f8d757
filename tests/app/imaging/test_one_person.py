"""A StudyInstanceUID that two sites use of two persons: neither is shown, or decided about, with the other."""

import io
import zipfile
from typing import Any

import pytest

from tests.app.imaging.images import CT, a_file, stored
from tests.identity import are_one_person
from tests.portal import Browser, recorded, signed_in
from tests.reports import a_reading, picture, some_key_images
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

STUDY = "1.2.392.66.1"
SAFETY = ("113037", "DCM", "Rejected for Patient Safety Reasons")
NUMBERS = "urn:oid:1.2.392.100495.20.3.51.101100000"
A, B = "1.2.392.66.3.1", "1.2.392.66.3.2"
"""An image of each site."""


def an_image(instance: str, series: str) -> bytes:
    place = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    return a_file(CT, **place, PatientID="P1", SeriesDescription=f"of {instance}")


def a_note() -> bytes:
    return some_key_images(picture(A), title=SAFETY, instance="1.2.392.66.71", PatientID="P1")


async def a_site(world: World, slug: str, number: str, *files: bytes, **person: Any) -> str:
    """Store images of a Patient of a site, whom the clinic may see; return the Patient's id."""
    site = await world.client(slug)
    identifier = [{"system": f"{NUMBERS}{number}", "value": "P1"}]
    patient = await world.post(site, a_patient(identifier=identifier, **person))
    await world.post(site, a_consent(patient["id"], "clinic-c"))
    await stored(world, site, *files)
    return str(patient["id"])


async def two_sites(world: World, of_a: list[bytes], of_b: list[bytes]) -> tuple[str, str]:
    """Store images of one study at two sites, of two persons."""
    one = await a_site(world, "hospital-a", "01", *of_a)
    other = {"name": [{"family": "鈴木", "given": ["花子"]}], "birthDate": "1931-02-03"}
    return one, await a_site(world, "hospital-b", "02", *of_b, **other)


async def thumbnail(browser: Browser) -> int:
    answer = await browser.get(f"/dicomweb/studies/{STUDY}/thumbnail", headers={"accept": "image/jpeg"})
    return answer.status_code


@pytest.mark.parametrize("same", [False, True])
async def test_a_note_about_another_person_rejects_nothing(world: World, same: bool) -> None:
    one, other = await two_sites(world, [an_image(A, "1.2.392.66.2")], [a_note()])
    if same:
        await are_one_person(world, one, other)
    browser = await signed_in(world, "clinic-c")

    pictures = (await browser.get(f"/images/{STUDY}/pictures?lang=en")).text
    study = (await browser.get(f"/studies/{STUDY}?lang=en")).text
    contents = (await browser.get(f"/images/{STUDY}/contents?lang=en")).text

    assert ("Rejected for Patient Safety Reasons" in pictures) is same
    assert ("Rejected for Patient Safety Reasons" in study) is same
    assert ("113037" in contents) is same
    assert await thumbnail(browser) == (404 if same else 200)


async def test_the_studies_of_two_persons_are_not_shown_together(world: World) -> None:
    reading = a_reading(instance="1.2.392.66.72", PatientID="P1")
    of_a, of_b = [an_image(A, "1.2.392.66.2")], [an_image(B, "1.2.392.66.4"), reading]
    patient, _ = await two_sites(world, of_a, of_b)
    browser = await signed_in(world, "clinic-c")

    pages = {
        name: (await browser.get(address)).text
        for name, address in {
            "viewer": f"/images/{STUDY}?lang=en",
            "pictures": f"/images/{STUDY}/pictures?lang=en",
            "study": f"/studies/{STUDY}?lang=en",
            "contents": f"/images/{STUDY}/contents?lang=en",
        }.items()
    }

    assert {name: "1.2.392.66.2" in page for name, page in pages.items()} == dict.fromkeys(pages, True)
    assert {name: "1.2.392.66.4" in page for name, page in pages.items()} == dict.fromkeys(pages, False)
    assert "1.2.392.66.72" not in pages["study"]
    assert not [name for name, page in pages.items() if "鈴木" in page]
    # Whose study was not shown is not said to have been looked at.
    told = {one.patient for one in await recorded(world) if one.user}
    assert told - {None} == {f"Patient/{patient}"}


async def test_a_site_that_has_the_study_itself_sees_its_own(world: World) -> None:
    _, other = await two_sites(world, [an_image(A, "1.2.392.66.2")], [an_image(B, "1.2.392.66.4")])
    site = await world.client("hospital-a")
    (entry,) = (await world.http.get("/fhir/Patient", headers=site)).json()["entry"]
    await world.post(site, a_consent(entry["resource"]["id"], "hospital-b"))
    browser = await signed_in(world, "hospital-b")

    pages = [(await browser.get(f"/{of}/{STUDY}?lang=en")).text for of in ("images", "studies")]

    assert [(other in page, "1.2.392.66.2" in page) for page in pages] == [(True, False)] * 2


async def test_a_disc_of_a_patient_holds_nobody_elses_images(world: World) -> None:
    _, other = await two_sites(world, [an_image(A, "1.2.392.66.2")], [an_image(B, "1.2.392.66.4")])
    browser = await signed_in(world, "clinic-c")
    page = (await browser.get(f"/patients/{other}?lang=en")).text

    disc = await browser.get(f"/images.zip?patient={other}&study={STUDY}")

    assert f"/images.zip?patient={other}&amp;study={STUDY}" in page
    with zipfile.ZipFile(io.BytesIO(disc.content)) as archive:
        images = [archive.read(name) for name in archive.namelist() if name.startswith("DICOM/")]
    assert images == [an_image(B, "1.2.392.66.4")]
    told = [one for one in await recorded(world) if one.interaction == "media-export"]
    assert [one.patient for one in told] == [f"Patient/{other}"]
