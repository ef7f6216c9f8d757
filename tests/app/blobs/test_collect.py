"""Blobs that nothing refers to are collected; no other ever is."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from app.audit.record import unseal
from app.audit.tables import audit_record
from app.backup.run import run
from app.blobs import BlobMissing
from app.blobs import collect as collecting
from app.blobs.collect import collect, survey
from app.blobs.tables import blob
from app.hub import Hub
from tests.backups import a_key_pair, keep_blob
from tests.blobs import ALWAYS, in_place, leave_blob, pass_days

pytestmark = [pytest.mark.anyio, pytest.mark.xdist_group("s3")]


async def test_what_nothing_refers_to_is_set_aside_after_a_day_and_removed_after_two_more(hub: Hub) -> None:
    left, kept = await leave_blob(hub, 1, b"left"), await keep_blob(hub, 1, b"kept")
    pass_days(hub, 1.1)

    first = await collect(hub)
    second = await collect(hub)
    readable = await hub.blobs.read(1, left)
    pass_days(hub, 2.1)
    third = await collect(hub)

    assert (first.seen.count, first.set_aside.count, first.set_aside.octets, first.removed.count) == (2, 1, 4, 0)
    assert (second.seen.count, second.set_aside.count, second.waiting.octets, second.removed.count) == (1, 0, 4, 0)
    assert (third.waiting.count, third.removed.count, third.removed.octets) == (0, 1, 4)
    assert readable == b"left"
    with pytest.raises(BlobMissing):
        await hub.blobs.read(1, left)
    assert await in_place(hub, 1) == {kept}


async def test_a_blob_that_is_younger_than_a_day_is_left_alone(hub: Hub) -> None:
    left = await leave_blob(hub, 1, b"an upload under way")
    pass_days(hub, 0.9)

    done = await collect(hub)

    assert done.set_aside.count == 0
    assert await in_place(hub, 1) == {left}


async def test_a_custodian_is_not_answered_for_by_another(hub: Hub) -> None:
    await keep_blob(hub, 1, b"the same")
    await leave_blob(hub, 2, b"the same")
    pass_days(hub, 1.1)

    await collect(hub)

    assert (len(await in_place(hub, 1)), len(await in_place(hub, 2))) == (1, 0)


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(hub: Hub) -> None:
    waits = await leave_blob(hub, 1, b"set aside before")
    await hub.blobs.set_aside(1, waits, ALWAYS)
    left = await leave_blob(hub, 1, b"left")
    pass_days(hub, 2.1)

    done = await survey(hub)

    assert (done.set_aside.octets, done.removed.octets) == (4, 16)
    assert await in_place(hub, 1) == {left}
    assert await hub.blobs.read(1, waits) == b"set aside before"


async def test_a_backup_finds_what_was_given_up_after_its_snapshot(hub: Hub, tmp_path: Path) -> None:
    await keep_blob(hub, 1, b"content")
    pass_days(hub, 1.1)
    real = hub.blobs.stream

    async def late(custodian: int, digest: str) -> AsyncIterator[bytes]:
        async with hub.database.write() as connection:
            await connection.execute(delete(blob), {})
        await collect(hub)
        async for piece in real(custodian, digest):
            yield piece

    hub.blobs.stream = late  # type: ignore[method-assign]
    taken = await run(hub, tmp_path / "backups", [a_key_pair().recipient])

    assert taken.blobs == 1
    assert await in_place(hub, 1) == set()


async def test_blobs_of_an_organisation_that_the_database_does_not_know_are_not_touched(hub: Hub) -> None:
    left, before = await leave_blob(hub, 99, b"left"), await leave_blob(hub, 99, b"before")
    await hub.blobs.set_aside(99, before, ALWAYS)
    pass_days(hub, 10)

    done = await collect(hub)

    assert done.unknown == [99]
    assert await in_place(hub, 99) == {left}
    assert await hub.blobs.read(99, before) == b"before"


async def test_a_database_that_lacks_most_of_a_sites_blobs_is_doubted(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "FEW", 1)
    await keep_blob(hub, 1, b"kept")
    for number in range(2):
        await leave_blob(hub, 1, b"left %d" % number)
    pass_days(hub, 1.1)

    doubted = await collect(hub)
    asked = await collect(hub, even_most=True)

    assert (doubted.doubtful, doubted.set_aside.count) == ([1], 0)
    assert (asked.doubtful, asked.set_aside.count) == ([], 2)


async def test_who_collects_is_on_record(hub: Hub) -> None:
    await leave_blob(hub, 1, b"left")
    pass_days(hub, 1.1)
    await collect(hub, user_name="operator")
    pass_days(hub, 2.1)
    await collect(hub)

    rows = await hub.database.reader.fetch(select(audit_record.c.record).order_by(audit_record.c.row), {})
    events = [unseal(bytes(record), hub.audit.keys) for (record,) in rows]
    assert [(one.action, one.client, one.user_name, one.custodian, one.description) for one in events] == [
        (
            *("E", "renkei-cli", "operator", "Organization/hospital-a"),
            "Set aside what nothing refers to: 1 blobs, 4 bytes",
        ),
        (
            *("D", "renkei", None, "Organization/hospital-a"),
            "Removes for good what nothing refers to: 1 blobs, 4 bytes",
        ),
    ]
