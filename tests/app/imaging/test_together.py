"""Two processes of a hub store one study at once: nothing of it is lost."""

import asyncio

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.app.imaging.images import CT, a_file, described_all, send
from tests.app.imaging.sources.region import a_manifest
from tests.app.imaging.test_filing import described
from tests.world import ADDRESS, World, running

pytestmark = pytest.mark.anyio

SERIES = 6


async def test_every_series_is_in_the_imaging_study_and_the_images_tell_of_it(settings: Settings) -> None:
    slices = [
        a_file(CT, SeriesInstanceUID=f"1.2.{series}", SOPInstanceUID=f"1.2.{series}.{number}", StudyDate="20220822")
        for number in (1, 2)
        for series in range(1, SERIES + 1)
    ]
    keys = a_manifest(slices[0], location="", StudyDate="20061026")
    async with running(settings) as world:
        other = create_app(settings)
        async with (
            other.router.lifespan_context(other),
            httpx.AsyncClient(transport=httpx.ASGITransport(other), base_url=ADDRESS) as http,
        ):
            beside = World(other, other.state.hub, http)
            caller = await world.client("hospital-a")
            files = [keys, *slices]
            sent = (send((world, beside)[number % 2], caller, file) for number, file in enumerate(files))
            answers = await asyncio.gather(*sent)
        await described_all(world)
        study = await described(world, caller)
        (found,) = (await world.http.get("/dicomweb/studies", headers=caller)).json()

    assert [answer.status_code for answer in answers] == [200] * len(files)
    assert {(one["uid"], one["numberOfInstances"]) for one in study["series"]} == {
        *((f"1.2.{series}", 2) for series in range(1, SERIES + 1)),
        ("1.2.3.4.5.6.1", 1),
    }
    assert study["numberOfInstances"] == len(files)
    assert study["started"].startswith("2022-08-22")
    assert found["00080020"]["Value"] == ["20220822"]
