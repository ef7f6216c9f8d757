"""The clinical date of a record against the data periods of Consents."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PERIODS: dict[str, dict[str, Any]] = {
    "from": {"start": "2020-01"},
    "until": {"end": "2021-01"},
    "from until": {"start": "2020-01", "end": "2021-01"},
    "unsaid": {"extension": [{"url": "http://example.org/why", "valueString": "?"}]},
}
INSIDE, OUTSIDE = "2020-05-01", {"from": "2019-05-01", "until": "2023-05-01", "from until": "2023-05-01"}


async def seen(world: World, date: str | None, *provisions: dict[str, Any]) -> int:
    """Return how often another site finds an Observation of a date, of a person with a Consent for each provision."""
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = an_observation(patient)
    del made["effectiveDateTime"]
    id_ = (await world.post(hospital, made | ({"effectiveDateTime": date} if date else {})))["id"]
    for provision in provisions:
        await world.post(hospital, a_consent(patient, "clinic-c", **provision))
    return await world.total(clinic, f"Observation?_id={id_}")


@pytest.mark.parametrize("kind", PERIODS)
async def test_a_denial_covers_what_has_no_date_whatever_its_data_period(world: World, kind: str) -> None:
    assert await seen(world, None, {}, {"type": "deny", "dataPeriod": PERIODS[kind]}) == 0


@pytest.mark.parametrize("kind", PERIODS)
async def test_a_permit_with_a_data_period_covers_nothing_without_a_date(world: World, kind: str) -> None:
    assert await seen(world, None, {"dataPeriod": PERIODS[kind]}) == 0


async def test_a_permit_without_a_data_period_covers_what_has_no_date(world: World) -> None:
    assert await seen(world, None, {}) == 1


@pytest.mark.parametrize("kind", PERIODS)
async def test_what_lies_inside_a_data_period_is_covered(world: World, kind: str) -> None:
    assert await seen(world, INSIDE, {"dataPeriod": PERIODS[kind]}) == 1
    assert await seen(world, INSIDE, {}, {"type": "deny", "dataPeriod": PERIODS[kind]}) == 0


@pytest.mark.parametrize("kind", OUTSIDE)
async def test_what_lies_outside_a_data_period_is_not_covered(world: World, kind: str) -> None:
    assert await seen(world, OUTSIDE[kind], {"dataPeriod": PERIODS[kind]}) == 0
    assert await seen(world, OUTSIDE[kind], {}, {"type": "deny", "dataPeriod": PERIODS[kind]}) == 1


@pytest.mark.parametrize(
    ("provision", "count"),
    [
        ({"provision": [{"type": "deny", "dataPeriod": PERIODS["from"]}]}, 0),
        ({"type": "deny", "provision": [{"type": "permit"}]}, 1),
        ({"type": "deny", "provision": [{"type": "permit", "dataPeriod": PERIODS["until"]}]}, 0),
        ({"type": "deny", "dataPeriod": PERIODS["from"], "provision": [{"type": "permit"}]}, 0),
    ],
    ids=["denial inside", "permit inside", "permit with a period inside", "permit inside a period"],
)
async def test_an_exception_is_held_to_the_same(world: World, provision: dict[str, Any], count: int) -> None:
    assert await seen(world, None, provision) == count
