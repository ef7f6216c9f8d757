"""代理人: what a parent permits ends when the child comes of age; what an adult's representative permits does not."""

from typing import Any

import pytest

from app.consent.majority import coming_of_age
from fhir.search.date import interval
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

MOTHER = [{"type": "RelatedPerson", "display": "山田 花子（母）"}]


def at(day: str) -> int:
    return interval(day)[0]


@pytest.mark.parametrize(
    ("birth_date", "of_age"),
    [("2008-05-20", "2026-05-20"), ("2008-02-29", "2026-03-01"), ("2008-05", "2026-05-01"), ("2008", "2026-01-01")],
)
def test_an_age_is_reached_at_the_beginning_of_the_birthday(birth_date: str, of_age: str) -> None:
    assert coming_of_age(birth_date, 18) == at(of_age)


async def seen(world: World, day: str) -> int:
    world.hub.clock = lambda: at(day)
    return await world.total(await world.client("clinic-c"), "Patient")


async def recorded(world: World, birth_date: str, **fields: Any) -> str:
    world.hub.clock = lambda: at("2036-01-01")
    hospital = await world.client("hospital-a")
    patient: str = (await world.post(hospital, a_patient(birthDate=birth_date)))["id"]
    await world.post(hospital, {**a_consent(patient, "clinic-c"), "dateTime": "2036-01-01", **fields})
    return patient


async def test_a_parents_permit_ends_with_the_coming_of_age(world: World) -> None:
    await recorded(world, "2018-05-20", performer=MOTHER)

    assert [await seen(world, day) for day in ("2036-05-19", "2036-05-20")] == [1, 0]


async def test_the_childs_own_word_does_not_end(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await recorded(world, "2018-05-20", performer=MOTHER)

    await world.post(hospital, {**a_consent(patient, "clinic-c"), "performer": [{"reference": f"Patient/{patient}"}]})

    assert await seen(world, "2036-05-20") == 1


async def test_an_adults_representatives_word_does_not_end(world: World) -> None:
    await recorded(world, "1940-05-20", performer=MOTHER)

    assert await seen(world, "2040-01-01") == 1


async def test_what_a_parent_denied_stays_denied(world: World) -> None:
    patient = await recorded(world, "2018-05-20")
    hospital = await world.client("hospital-a")

    await world.post(hospital, {**a_consent(patient, "clinic-c", type="deny"), "performer": MOTHER})

    assert await seen(world, "2036-05-20") == 0


async def test_a_corrected_birth_date_counts(world: World) -> None:
    patient = await recorded(world, "2018-05-20", performer=MOTHER)
    hospital = await world.client("hospital-a")
    corrected = {**a_patient(birthDate="2019-05-20"), "id": patient}

    await world.http.put(f"/fhir/Patient/{patient}", headers=hospital, json=corrected)

    assert [await seen(world, day) for day in ("2036-05-20", "2037-05-20")] == [1, 0]


async def test_a_setting_lets_it_stay(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"majority": 0})
    await recorded(world, "2018-05-20", performer=MOTHER)

    assert await seen(world, "2036-05-20") == 1
