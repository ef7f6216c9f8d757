"""Persons are linked and taken apart again, with exactly the grants of their own Consents."""

from typing import Any

import pytest
from sqlalchemy import select

from app.access.epoch import current
from app.consent.tables import consent_grant
from app.identity.history import Act, Why, history
from app.identity.link import allow_link, break_link, link, never_link, undo
from app.identity.person import person_of
from app.identity.tables import person_patient
from fhir.errors import Conflict, NotFound
from tests.identity import at, key_of, person, someone, together
from tests.world import World, a_consent, an_observation

pytestmark = pytest.mark.anyio

_GRANTS = select(consent_grant.c.person, consent_grant.c.consent, consent_grant.c.rule)
_PERSONS = select(person_patient.c.patient_key, person_patient.c.person)
WHY = Why(5, "jimu", "told by the person")


async def state(world: World) -> tuple[list[Any], list[Any]]:
    """Return all grants and all persons."""
    reader = world.hub.database.reader
    return sorted(map(tuple, await reader.fetch(_GRANTS, {}))), sorted(map(tuple, await reader.fetch(_PERSONS, {})))


async def three(world: World) -> list[str]:
    """Return Patients of three sites who are three persons, each with a Consent of its own for clinic-d."""
    found = []
    for number, site in enumerate(("hospital-a", "hospital-b", "clinic-c")):
        id_ = await at(world, site, someone(birthDate=f"19{number}0-03-08", phone=None))
        await world.post(await world.client(site), a_consent(id_, "clinic-d"))
        found.append(id_)
    return found


async def test_a_link_brings_the_grants_along_and_undoing_it_restores_everything(world: World) -> None:
    one, other, third = await three(world)
    persons = [await person(world, id_) for id_ in (one, other, third)]
    before = await state(world)
    async with world.hub.database.write() as connection:
        await link(connection, persons[0], persons[1], WHY)
        await link(connection, persons[0], persons[2], WHY)

    grants, _ = await state(world)
    events = await history(world.hub.database.reader, await key_of(world, one), persons[0])
    async with world.hub.database.write() as connection:
        for event in events:
            await undo(connection, event.id, WHY)

    assert {grant[0] for grant in grants} == {persons[0]}
    assert len(grants) == 3
    assert [event.act for event in events] == [Act.LINK, Act.LINK]
    assert await state(world) == before


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_a_break_leaves_each_with_its_own_consents_alone(world: World, leaving: int) -> None:
    ids = await three(world)
    keys = [await key_of(world, id_) for id_ in ids]
    before, _ = await state(world)
    async with world.hub.database.write() as connection:
        await link(connection, keys[0], keys[1], WHY)
        await link(connection, keys[0], keys[2], WHY)
        await break_link(connection, keys[leaving], WHY)

    grants, persons = await state(world)
    own = {consent: person_ for person_, consent, _ in before}

    assert dict(persons)[keys[leaving]] == keys[leaving]
    assert len(set(dict(persons).values())) == 2
    assert {consent: person_ for person_, consent, _ in grants} == {
        consent: dict(persons)[key] for consent, key in own.items()
    }


async def test_after_a_break_nothing_is_seen_by_the_others_consent(world: World) -> None:
    a, b = await world.client("hospital-a"), await world.client("hospital-b")
    one, other = await at(world, "hospital-a", someone()), await at(world, "hospital-b", someone(phone=None))
    await world.post(a, an_observation(one))
    await world.post(b, a_consent(other, "clinic-c"))
    reader = await world.client("clinic-c")
    alone = await world.total(reader, "Observation")
    async with world.hub.database.write() as connection:
        await link(connection, await person(world, one), await person(world, other), WHY)
    linked = await world.total(reader, "Observation")

    async with world.hub.database.write() as connection:
        await break_link(connection, await key_of(world, other), WHY)

    assert (alone, linked) == (0, 1)
    assert await world.total(reader, "Observation") == 0
    assert await world.total(reader, f"Observation?patient=Patient/{other}") == 0


async def test_a_break_holds_against_certainty_until_it_is_allowed_again(world: World) -> None:
    site = await world.client("clinic-c")
    one = await at(world, "hospital-a", someone())
    other = await world.post(site, someone())
    keys = await key_of(world, one), await key_of(world, other["id"])
    async with world.hub.database.write() as connection:
        epoch = await current(connection)
        await break_link(connection, keys[1], WHY)
        grown = await current(connection)

    answer = await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json={**other, "active": True})
    apart = await together(world, one)
    async with world.hub.database.write() as connection:
        with pytest.raises(Conflict):
            await link(connection, keys[0], keys[1], WHY)
        assert await allow_link(connection, *keys, WHY) == 1
    await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json={**other, "active": False})

    assert answer.status_code == 200
    assert grown > epoch
    assert apart == {keys[0]}
    assert await together(world, one) == set(keys)


async def test_a_break_that_is_undone_joins_them_again(world: World) -> None:
    one, other = await at(world, "hospital-a", someone()), await at(world, "clinic-c", someone())
    key = await key_of(world, one)
    before = await state(world)
    async with world.hub.database.write() as connection:
        await break_link(connection, key, WHY)
        broken = (await history(connection, key, key))[0]
        await undo(connection, broken.id, WHY)
        with pytest.raises(Conflict):
            await undo(connection, broken.id, WHY)

    assert await state(world) == before
    assert await person(world, one) == await person(world, other)


async def test_what_came_later_is_taken_back_first(world: World) -> None:
    one, other, third = await three(world)
    keys = [await key_of(world, id_) for id_ in (one, other, third)]
    async with world.hub.database.write() as connection:
        await link(connection, keys[1], keys[2], WHY)
        first = (await history(connection, keys[2], keys[1]))[0]
        await link(connection, keys[0], keys[1], WHY)

        with pytest.raises(Conflict):
            await undo(connection, first.id, WHY)

    assert await together(world, one) == set(keys)


async def test_what_does_not_exist_or_makes_no_sense_is_refused(world: World) -> None:
    one, other = await at(world, "hospital-a", someone()), await at(world, "clinic-c", someone())
    alone = await at(world, "clinic-d", someone(birthDate="2001-01-01"))
    keys = await key_of(world, one), await key_of(world, other)

    async with world.hub.database.write() as connection:
        with pytest.raises(NotFound):
            await break_link(connection, 1, WHY)
        with pytest.raises(NotFound):
            await never_link(connection, keys[0], 1, WHY)
        with pytest.raises(NotFound):
            await undo(connection, 4711, WHY)
        with pytest.raises(Conflict):
            await break_link(connection, await key_of(world, alone), WHY)
        with pytest.raises(Conflict):
            await never_link(connection, *keys, WHY)
        assert await link(connection, keys[0], keys[0], WHY) == []
        assert await person_of(connection, 1) is None
