"""A withdrawal takes effect on the next request, in every process: F2, F3."""

from typing import Any

import httpx
import pytest

from app.main import create_app
from fhir.search.date import interval
from tests.world import ADDRESS, World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def test_a_withdrawal_counts_at_the_next_request_of_another_process(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = (await world.post(hospital, an_observation(patient)))["id"]
    other = create_app(world.hub.settings)
    async with other.router.lifespan_context(other):
        transport = httpx.ASGITransport(other)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as second:

            async def seen() -> tuple[int, int]:
                read = await second.get(f"/fhir/Observation/{observation}", headers=clinic)
                found = await second.get(f"/fhir/Observation?patient={patient}", headers=clinic)
                return read.status_code, found.json()["total"]

            before = await seen()
            stored = await world.post(hospital, a_consent(patient, "clinic-c"))
            permitted = await seen()
            address = f"/fhir/Consent/{stored['id']}"
            await world.http.put(address, headers=hospital, json={**stored, "status": "inactive"})
            withdrawn = await seen()

    assert (before, permitted, withdrawn) == ((404, 0), (200, 1), (404, 0))


@pytest.mark.parametrize(
    ("end", "last", "first_outside"),
    [
        ("2040-03-31", "2040-03-31T23:59:59.999+09:00", "2040-04-01T00:00:00+09:00"),
        ("2040-03-31T17:00:00+09:00", "2040-03-31T17:00:00.999+09:00", "2040-03-31T17:00:01+09:00"),
    ],
    ids=["a day in Japan", "a second"],
)
async def test_a_permit_holds_until_the_end_of_what_its_period_says(
    world: World, end: str, last: str, first_outside: str
) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c", period={"end": end}))

    async def seen(moment: str) -> Any:
        world.hub.clock = lambda: interval(moment)[0]
        return await world.total(await world.client("clinic-c"), "Patient")

    assert [await seen(last), await seen(first_outside)] == [1, 0]
