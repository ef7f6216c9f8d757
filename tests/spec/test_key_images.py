"""IHE's study B, through the door as it is: its key images are on the study's page, and a document of the record."""

import zipfile

import pytest

from tests.app.imaging.images import stored
from tests.app.imaging.reports.test_filing import found
from tests.portal import signed_in
from tests.spec_data import SPEC_DATA
from tests.world import World

ARCHIVE = SPEC_DATA / "dicom" / "Study_B.zip"
STUDY, INSTANCE = "1.2.250.1.59.40211.22756022.2.1.102", "1.2.250.1.59.40211.22756022.2.3.102.201.36"

pytestmark = pytest.mark.anyio


async def test_the_key_images_of_a_real_study_are_shown(world: World) -> None:
    site = await world.client("hospital-a")
    with zipfile.ZipFile(ARCHIVE) as archive:
        files = [archive.read(one) for one in archive.namelist() if one.endswith(".dcm")]
    await stored(world, site, *files)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(f"/studies/{STUDY}?lang=en")).text
    (document,) = await found(world, site, "DocumentReference?type=113000")

    assert len(files) == 21
    assert "Significant DICOM Instances" in page
    assert page.count('alt="Key image ') == 3
    assert f"instance={INSTANCE}&amp;frame=1" in page
    assert document["description"] == "Significant DICOM Instances"
    assert document["type"]["coding"][0]["code"] == "113000"
