"""Matching all stored Patients anew: an interrupted run goes on, decisions stay."""

import asyncio

import pytest
from sqlalchemy import delete, select

from app.access.directory import find_organisation
from app.access.epoch import set_value
from app.identity import rebuild as module
from app.identity.history import Why
from app.identity.link import break_link
from app.identity.rebuild import MADE, is_due, rebuild
from app.identity.tables import identity_key, person_patient
from app.lifecycle import warn_of_reindexing
from app.records.inside import inside_request
from tests.identity import at, key_of, person, someone
from tests.world import World

pytestmark = pytest.mark.anyio


async def run(world: World, *, again: bool = False, steps: int = 100) -> list[module.Progress]:
    """Rebuild, or only some batches of it."""
    office = await find_organisation(world.hub.database.reader, "secretariat")
    request = await inside_request(world.hub, office, "POST", "rebuild")
    found = []
    async for batch in rebuild(request, again=again):
        found.append(batch)
        if len(found) == steps:
            break
    return found


async def test_patients_of_a_release_without_the_index_are_matched(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    ids = [await at(world, site, someone()) for site in ("hospital-a", "hospital-b", "clinic-c", "clinic-d")]
    async with world.hub.database.write() as connection:
        await connection.execute(delete(identity_key), {})
        await connection.execute(person_patient.update().values(person=person_patient.c.patient_key), {})
        await set_value(connection, MADE, 0)
    await warn_of_reindexing(world.hub)

    first = await run(world, steps=1)
    rest = await run(world)

    assert "renkei identity rebuild" in caplog.text
    assert [batch.patients for batch in first + rest] == [2, 2]
    assert len({await person(world, id_) for id_ in ids}) == 1
    assert not await is_due(world.hub.database)


async def test_a_rebuild_makes_the_same_keys_and_forgets_no_decision(world: World) -> None:
    one, other = await at(world, "hospital-a", someone()), await at(world, "clinic-c", someone())
    async with world.hub.database.write() as connection:
        await break_link(connection, await key_of(world, other), Why(1, "jimu", "father and son"))
    keys = select(identity_key.c.hash, identity_key.c.patient_key).order_by(
        identity_key.c.hash, identity_key.c.patient_key
    )
    before = await world.hub.database.reader.fetch(keys, {})

    await run(world, again=True)

    assert list(map(tuple, await world.hub.database.reader.fetch(keys, {}))) == list(map(tuple, before))
    assert await person(world, one) != await person(world, other)


async def test_two_sites_that_send_one_person_at_once_are_linked(world: World) -> None:
    sites = ("hospital-a", "hospital-b", "clinic-c", "clinic-d")
    headers = [await world.client(site) for site in sites]

    for number in range(3):
        patient = someone(phone=f"011-222-345{number}", birthDate=f"196{number}-01-01")
        answers = await asyncio.gather(*(world.post(one, patient) for one in headers))

        assert len({await person(world, answer["id"]) for answer in answers}) == 1
