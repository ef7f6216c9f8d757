"""A region of implied consent: the silent permit, and whoever has spoken is no longer silent. MHDS, Consent Manager."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def a_person(world: World) -> str:
    """Return the id of a Patient of hospital-a in a region of implied consent."""
    world.hub.settings = world.hub.settings.model_copy(update={"consent": "implied"})
    hospital = await world.client("hospital-a")
    patient: str = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, an_observation(patient))
    return patient


async def seen(world: World) -> int:
    return await world.total(await world.client("clinic-d"), "Observation")


@pytest.mark.parametrize(("purpose", "count"), [("TREAT", 1), ("ETREAT", 1), ("HOPERAT", 0), ("HMARKT", 0)])
async def test_a_region_may_imply_treatment_alone(world: World, purpose: str, count: int) -> None:
    await a_person(world)
    world.hub.settings = world.hub.settings.model_copy(update={"consent": "implied-treatment"})

    assert await world.total(await world.client("clinic-d", purpose=purpose), "Observation") == count


@pytest.mark.parametrize("status", ["inactive", "rejected"])
async def test_after_a_withdrawal_nothing_is_implied_any_more(world: World, status: str) -> None:
    patient, hospital = await a_person(world), await world.client("hospital-a")
    before = await seen(world)
    stored = await world.post(hospital, a_consent(patient, "clinic-d"))
    with_consent = await seen(world)

    await world.http.put(f"/fhir/Consent/{stored['id']}", headers=hospital, json={**stored, "status": status})

    assert (before, with_consent, await seen(world)) == (1, 1, 0)


async def test_nor_after_the_consent_was_deleted(world: World) -> None:
    patient, hospital = await a_person(world), await world.client("hospital-a")
    stored = await world.post(hospital, a_consent(patient, "clinic-d"))

    await world.http.delete(f"/fhir/Consent/{stored['id']}", headers=hospital)

    assert await seen(world) == 0


@pytest.mark.parametrize("fields", [{"status": "draft"}, {"status": "entered-in-error"}])
async def test_a_draft_or_a_mistake_is_no_word_of_the_persons(world: World, fields: dict[str, Any]) -> None:
    patient, hospital = await a_person(world), await world.client("hospital-a")

    await world.post(hospital, {**a_consent(patient, "clinic-c"), **fields})

    assert await seen(world) == 1


async def test_nothing_is_implied_once_a_permit_has_expired(world: World) -> None:
    patient, hospital = await a_person(world), await world.client("hospital-a")

    await world.post(hospital, a_consent(patient, "clinic-d", period={"end": "2020-12-31"}))

    assert await seen(world) == 0
