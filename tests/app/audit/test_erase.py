"""An erasure takes the details and leaves the proof: in this process and in others, for good."""

from pathlib import Path

import pytest
from sqlalchemy import select

from app.audit.erase import NobodyKnown, erase
from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.record import Event
from app.audit.retain import remove_expired
from app.audit.review import Entry, Question, Reviewer
from app.audit.tables import audit_salt
from app.clock import RowNumbers
from app.lifecycle import open_hub
from tests.app.audit.test_retain import DAY, keep
from tests.world import World

pytestmark = pytest.mark.anyio


def an_event(world: World, number: int, description: str) -> Event:
    at = world.hub.clock()
    return Event(at, "R", "read", patient=f"Patient/{number}", patient_key=number, description=description)


async def entries(world: World, **asked: str) -> list[Entry]:
    await world.hub.leader.integrate_all()
    reader, now = world.hub.database.reader, world.hub.clock()
    return list((await Reviewer(world.hub.audit.keys).ask(reader, Question(**asked), now=now, limit=50)).entries)


async def erased(world: World) -> None:
    told = Event(world.hub.clock(), "E", "erase", description="erased")
    await erase(world.hub, "Patient/1", told)


async def test_the_details_are_gone_and_the_log_is_proven(world: World, tmp_path: Path) -> None:
    await world.hub.audit.append([an_event(world, 1, "one"), an_event(world, 2, "two")])

    await erased(world)

    found = {one.event.description or one.event.patient for one in await entries(world)}
    assert {"two", "erased"} < found
    assert len(found) == 3
    assert [one.event.erased for one in await entries(world, patient="Patient/1")] == [True]
    verifier = world.hub.leader._signer.verifier
    await export(world.hub.database, tmp_path / "export", verifier)
    assert verify_export(tmp_path / "export", verifier).ok


async def test_another_process_forgets_the_keys(world: World) -> None:
    other = await open_hub(world.hub.settings)
    other.audit.start()
    await other.audit.append([an_event(world, 1, "one")])
    assert 1 in other.audit.sealer.salts

    await erased(world)
    await other.audit.renew()

    assert other.audit.sealer.salts == {}
    await other.close()


async def test_a_patient_who_comes_again_has_a_new_salt_and_the_old_records_stay_erased(world: World) -> None:
    await world.hub.audit.append([an_event(world, 1, "before")])
    await erased(world)

    await world.hub.audit.append([an_event(world, 1, "after")])

    found = await entries(world, patient="Patient/1")
    assert [(one.event.erased, one.event.description) for one in found] == [(False, "after"), (True, None)]


async def test_what_is_not_there_is_not_erased(world: World) -> None:
    with pytest.raises(NobodyKnown):
        await erased(world)
    await world.hub.audit.append([an_event(world, 1, "one")])
    await erased(world)
    with pytest.raises(NobodyKnown):
        await erased(world)


async def test_a_patient_whose_records_retention_has_removed_is_erased(world: World) -> None:
    hub, sealer = world.hub, world.hub.audit.sealer
    numbers, then = sealer._new_row, hub.clock() - 600 * DAY
    sealer._new_row = RowNumbers(1, lambda: then)
    await hub.audit.append([an_event(world, 1, "old")._replace(recorded=then)])
    sealer._new_row = numbers
    await hub.audit.append([an_event(world, 2, "young")])
    await hub.leader.integrate_all()
    keep(world, 1)
    assert await remove_expired(hub) == 1
    assert await entries(world, patient="Patient/1") == []

    await erased(world)

    salts = await hub.database.reader.fetch(select(audit_salt.c.patient_key), {})
    assert [int(key) for (key,) in salts] == [2]
