"""search-type: https://hl7.org/fhir/R4/search.html."""

import pytest

from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("name", ["_id", "_lastUpdated"])
@pytest.mark.parametrize(("missing", "total"), [("true", 0), ("false", 1)])
async def test_every_resource_has_an_id_and_an_instant(world: World, name: str, missing: str, total: int) -> None:
    own = await world.client("hospital-a")
    await world.post(own, a_patient())

    assert await world.total(own, f"Patient?{name}:missing={missing}") == total
