"""Retention: records go when their time is over; the tree, and the proof of all others, stay."""

from pathlib import Path

import pytest

from app.audit.desk.tables import audit_failure
from app.audit.export import EXPIRED, RECORDS, verify_export
from app.audit.extract import export
from app.audit.note import Verifier
from app.audit.record import Event
from app.audit.retain import horizon, remove_expired
from app.audit.review import Question, Reviewer
from app.clock import RowNumbers
from app.lifecycle import audit_keys
from app.settings import Settings
from tests.app.audit.test_at_work import query
from tests.world import World

pytestmark = pytest.mark.anyio

DAY = 86_400_000_000
YEAR = 365 * DAY


async def a_log_of(world: World, *ages: int) -> None:
    """Put a record in the log for each age in days."""
    hub, sealer = world.hub, world.hub.audit.sealer
    present, numbers = hub.clock, sealer._new_row
    for age in ages:
        sealer._new_row = RowNumbers(1, lambda age=age: present() - age * DAY)  # type: ignore[misc]
        await hub.audit.append([Event(present() - age * DAY, "R", "read", user="u", client="c")])
        sealer._new_row = numbers
        await hub.leader.integrate_all()


def keep(world: World, years: int) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"audit_years": years})


async def proof(world: World, folder: Path) -> tuple[str, int]:
    verifier: Verifier = audit_keys(world.hub.settings)[1].verifier
    await export(world.hub.database, folder, verifier)
    verdict = verify_export(folder, verifier)
    return verdict.message, verdict.expired


@pytest.fixture
async def old(world: World) -> World:
    """A hub whose log has begun with two records of more than a year, and three younger ones."""
    await a_log_of(world, 600, 500, 300, 100, 0)
    keep(world, 1)
    return world


async def size_of(settings: Settings, table: str) -> int:
    return int((await query(settings, f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608 - a table of ours


async def test_what_is_older_than_the_setting_goes_and_the_rest_is_proven(
    settings: Settings, old: World, tmp_path: Path
) -> None:
    leaves = await size_of(settings, "audit_leaf")
    before = await query(settings, "SELECT count(*) FROM audit_index")

    removed = [await remove_expired(old.hub), await remove_expired(old.hub)]
    await old.hub.leader.integrate_all()
    message, gone = await proof(old, tmp_path / "export")

    assert removed == [2, 0]
    assert gone == 2
    assert (
        message
        == f"all {leaves + 1} records are as they were signed; of the first 2 only the hashes are left, by retention"
    )
    assert await size_of(settings, "audit_leaf") == leaves + 1
    assert await size_of(settings, "audit_record") == leaves - 1
    # Of each of the two, the person and the client; the record of the removal has a client.
    assert await query(settings, "SELECT count(*) FROM audit_index") == [(before[0][0] - 4 + 1,)]
    told = await Reviewer(old.hub.audit.keys).ask(old.hub.database.reader, Question(), now=old.hub.clock(), limit=1)
    assert told.entries[0].event.interaction == "audit-expired"
    assert "RENKEI_AUDIT_YEARS is 1" in str(told.entries[0].event.description)


async def test_a_record_that_is_kept_is_still_protected(settings: Settings, old: World, tmp_path: Path) -> None:
    await remove_expired(old.hub)

    for statement in (
        "DELETE FROM audit_record",
        "UPDATE audit_record SET record = record",
        "DELETE FROM audit_expired",
        "UPDATE audit_expired SET row = row",
        "DELETE FROM audit_timestamp" if settings.is_postgresql else "UPDATE audit_expired SET leaf = 1000",
    ):
        with pytest.raises(Exception, match="append-only"):
            await query(settings, statement)


async def test_a_change_before_and_after_the_gap_is_found(old: World, tmp_path: Path) -> None:
    folder = tmp_path / "export"
    await remove_expired(old.hub)
    await old.hub.leader.integrate_all()
    await proof(old, folder)
    verifier = audit_keys(old.hub.settings)[1].verifier
    records, hashes = (folder / RECORDS).read_bytes(), (folder / "hashes").read_bytes()

    (folder / RECORDS).write_bytes(records.replace(b'"v":1', b'"v":2', 1))
    altered = verify_export(folder, verifier)
    (folder / RECORDS).write_bytes(records)
    (folder / "hashes").write_bytes(bytes(32) + hashes[32:])
    rewritten = verify_export(folder, verifier)
    (folder / "hashes").write_bytes(hashes)
    (folder / EXPIRED).write_text("3\n")
    stretched = verify_export(folder, verifier)

    assert (altered.fault, altered.index) == ("altered", 2)
    assert rewritten.fault == "rewritten"
    assert not stretched.ok


async def test_without_the_setting_everything_stays(old: World) -> None:
    keep(old, 0)

    assert await remove_expired(old.hub) == 0


def test_the_horizon_is_the_same_day_so_many_years_ago() -> None:
    leap = 1_709_164_800_000_000  # 2024-02-29

    assert horizon(leap + 5, 1) == 1_677_542_400_000_000  # 2023-02-28
    assert horizon(1_767_225_600_000_000, 5) == 1_609_459_200_000_000  # 2026-01-01, 2021-01-01


async def test_a_record_of_a_clock_that_ran_ahead_is_named(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await a_log_of(world, -10, 600)
    keep(world, 1)

    assert await remove_expired(world.hub) == 0
    assert "a clock ran ahead then" in caplog.text


async def test_nothing_is_said_of_records_that_are_kept(
    old: World, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    assert await remove_expired(old.hub) == 2

    assert "Retention waits" not in caplog.text


async def test_what_was_noted_of_a_record_goes_with_it(settings: Settings, old: World) -> None:
    rows = [int(row) for (row,) in await query(settings, "SELECT row FROM audit_record ORDER BY row")]
    async with old.hub.database.write() as connection:
        await connection.insert_missing(audit_failure, [(row,) for row in rows])

    await remove_expired(old.hub)

    failures = await query(settings, "SELECT row FROM audit_failure ORDER BY row")
    assert [int(row) for (row,) in failures][: len(rows) - 2] == rows[2:]
