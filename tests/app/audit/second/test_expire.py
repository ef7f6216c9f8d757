"""Retention of the log and the second log: what is gone is not taken up again, and is no fault."""

from pathlib import Path

import pytest

from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.record import Event
from app.audit.retain import remove_expired
from app.audit.second.compare import Comparison, compare_export
from app.audit.second.entries import files
from app.audit.second.expire import remove_over
from app.audit.second.take_up import TakingUp
from app.clock import RowNumbers
from app.lifecycle import audit_keys
from app.settings import Settings
from tests.app.audit.test_at_work import query
from tests.app.audit.test_retain import DAY, keep
from tests.world import World

pytestmark = pytest.mark.anyio


async def an_emergency(world: World, age: int) -> None:
    """Put an access of so many days ago in both logs."""
    hub, sealer = world.hub, world.hub.audit.sealer
    numbers, then = sealer._new_row, hub.clock() - age * DAY
    sealer._new_row = RowNumbers(1, lambda: then)
    await hub.audit.append([Event(then, "R", "read", user="u", purpose="BTG")])
    sealer._new_row = numbers
    await hub.leader.integrate_all()


async def compared(world: World, folder: Path, second: Path) -> Comparison:
    verifier = audit_keys(world.hub.settings)[1].verifier
    await export(world.hub.database, folder, verifier)
    assert verify_export(folder, verifier).ok
    return compare_export(folder, second)


async def test_what_retention_has_removed_is_not_taken_up_and_is_no_fault(
    settings: Settings, world: World, folder: Path, tmp_path: Path
) -> None:
    for age in (600, 500, 1):
        await an_emergency(world, age)
    keep(world, 1)
    assert await remove_expired(world.hub) == 2

    # Another process, or the next one, looks through the files from their beginning.
    taken = await TakingUp(world.hub, folder, -1.0).run()
    await world.hub.leader.integrate_all()
    found = await compared(world, tmp_path / "export", folder)

    assert taken == 0
    assert await query(settings, "SELECT count(*) FROM audit_taken_up") == [(0,)]
    assert (found.ok, found.both, found.lacking, found.undone, found.younger) == (True, 3, [], 0, 0)


async def test_files_go_when_all_their_records_are_gone_and_nobody_writes_them(
    world: World, folder: Path, tmp_path: Path
) -> None:
    log = world.hub.audit.second
    assert log is not None
    for age in (600, 500):
        await an_emergency(world, age)
    log._leave_file()
    await an_emergency(world, 400)
    await an_emergency(world, 1)
    keep(world, 1)
    before = files(folder)
    assert await TakingUp(world.hub, folder, -1.0).run() == 0
    assert files(folder) == before
    assert await remove_expired(world.hub) == 3

    made = TakingUp(world.hub, folder, -1.0)
    assert [await made.run(), await made.run()] == [0, 0]

    # The second one has a line that is kept.
    assert files(folder) == before[1:]
    await world.hub.leader.integrate_all()
    found = await compared(world, tmp_path / "export", folder)
    assert (found.ok, found.both, found.elsewhere) == (True, 2, 0)


async def test_a_file_that_is_held_or_damaged_or_empty_stays(world: World, folder: Path) -> None:
    log = world.hub.audit.second
    assert log is not None
    await an_emergency(world, 500)
    (held,) = files(folder)
    (folder / "0-0.log").write_bytes(b"")
    (folder / "0-1.log").write_bytes(b"nonsense\n")

    assert remove_over(folder, 2**63 - 1) == 0
    log._leave_file()
    assert remove_over(folder, 2**63 - 1) == 1
    assert held not in files(folder)
    assert len(files(folder)) == 2
