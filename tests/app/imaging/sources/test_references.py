"""References: a site keeps its images and sends a manifest; everything of WADO-RS works on them."""

import pytest

from tests.app.imaging.images import CT, a_file, address, parts_of, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import a_pacs
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_a_manifest_makes_a_study_that_is_fetched_when_somebody_looks(world: World) -> None:
    image = a_file(CT)
    async with a_pacs(image) as pacs:
        await a_source(world, pacs)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(image))
        assert pacs.asked == []

        found = (await world.http.get("/dicomweb/instances?Modality=CT", headers=caller)).json()
        one = await world.http.get(address(image), headers=caller)
        frame = await world.http.get(f"{address(image)}/frames/1", headers=caller)
        picture = await world.http.get(f"{address(image)}/rendered", headers={**caller, "accept": "image/png"})
        thumbnail = await world.http.get(f"/dicomweb/studies/{uids(image)[0]}/thumbnail", headers=caller)

    assert [row["00080018"]["Value"] for row in found] == [[uids(image)[2]]]
    assert parts_of(one)[0][1] == image
    assert len(parts_of(frame)[0][1]) == 128 * 128 * 2
    assert picture.content.startswith(b"\x89PNG")
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/jpeg")
    study, series, instance = uids(image)
    assert pacs.asked == [f"/dicom-web/studies/{study}/series/{series}/instances/{instance}"]
