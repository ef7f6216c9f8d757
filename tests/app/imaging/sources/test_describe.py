"""Headers of references whose source has no metadata: little is fetched for them, and less is held."""

import tracemalloc

import pytest

from tests.app.imaging.images import CT, a_file, address, stored, uids
from tests.app.imaging.sources.region import a_manifest, a_source
from tests.pacs import Write, a_pacs, answer, instance_answer
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("settings", ["sqlite"], indirect=True)]

PIECE = 65_536
LARGE = a_file(CT, NumberOfFrames=1500, PixelData=bytes(1500 * 128 * 128 * 2))


class _Large:
    """A PACS without metadata whose instance has 49 MB."""

    def __init__(self) -> None:
        self.sent = 0
        self._body = memoryview(instance_answer(LARGE))

    async def __call__(self, path: str, write: Write) -> None:
        if path.endswith("metadata"):
            await write(answer(404))
            return
        for start in range(0, len(self._body), PIECE):
            await write(bytes(self._body[start : start + PIECE]))
            self.sent += PIECE


async def _metadata(world: World, cache: str) -> tuple[int, int]:
    """Return how many bytes the source has sent for a header, and how much more memory was held meanwhile."""
    large = _Large()
    async with a_pacs() as pacs:
        pacs.misbehave = large
        await a_source(world, pacs, cache=cache, seconds=60)
        caller = await world.client("hospital-a")
        await stored(world, caller, a_manifest(LARGE))
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            found = await world.http.get(f"{address(LARGE)}/metadata", headers=caller)
            grown = tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

    assert found.status_code == 200, found.text
    (model,) = found.json()
    assert model["00280008"]["Value"] == [1500]
    assert model["00080018"]["Value"] == [uids(LARGE)[2]]
    assert model["7FE00010"]["BulkDataURI"].endswith(f"{address(LARGE)}/bulkdata/7FE00010")
    return large.sent, grown


async def test_of_a_large_instance_the_beginning_alone_is_fetched(world: World) -> None:
    sent, _ = await _metadata(world, "none")

    assert sent < len(LARGE) // 5


async def test_an_instance_that_is_fetched_to_be_kept_does_not_pass_through_memory(world: World) -> None:
    sent, grown = await _metadata(world, "days:1")

    assert sent >= len(LARGE)
    assert grown < len(LARGE) // 3
