"""What is damaged in the second log is told, and holds up nothing else of it, nor the tree."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.audit.export import verify_export
from app.audit.extract import export
from app.audit.record import Event
from app.audit.review import Entry, Reviewer
from app.audit.second import take_up
from app.audit.second.entries import ACCESS, ACT, files, line
from app.audit.second.take_up import TakingUp, warn_of_one_disk
from app.clock import row_at
from app.db import DatabaseConnection
from app.lifecycle import audit_keys
from app.settings import Settings
from tests.app.audit.test_at_work import query, recorded
from tests.world import World

pytestmark = pytest.mark.anyio

Line = tuple[int, bytes]


def taking_up(world: World, folder: Path) -> TakingUp:
    """Return what takes up every line, however young."""
    return TakingUp(world.hub, folder, -1.0)


async def sealed(world: World, count: int = 1, **fields: Any) -> Sequence[Line]:
    """Return records that the log lacks."""
    events = [Event(world.hub.clock(), "R", "read", client="c", **fields) for _ in range(count)]
    return await world.hub.audit.sealer.seal(events, {})


def a_file(folder: Path, name: str, *lines: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.log"
    path.write_bytes(b"".join(lines))
    return path


def altered(record: bytes, how: str) -> bytes:
    at = record.index(b'"d":"') + 20
    other = b"B" if record[at : at + 1] == b"A" else b"A"
    return {
        "no JSON": record.replace(b'"v":1', b'"v":x'),
        "another version": record.replace(b'"v":1', b'"v":7'),
        "no HMAC": record.replace(b'"c":"', '"c":"é'.encode()),
        "other details": record[:at] + other + record[at + 1 :],
        "cut off": record[:40],
    }[how]


async def kept(settings: Settings) -> list[tuple[int, str]]:
    return [(int(row), str(how)) for row, how in await query(settings, "SELECT row, how FROM audit_taken_up")]


@pytest.mark.parametrize("how", ["no JSON", "another version", "no HMAC", "other details", "cut off"])
async def test_a_damaged_record_is_told_and_the_tree_grows(
    settings: Settings, world: World, folder: Path, tmp_path: Path, how: str
) -> None:
    (bad, record), (good, other) = await sealed(world, 2)
    a_file(folder, "1-0", line(bad, ACCESS, altered(record, how)), line(good, ACCESS, other))

    taken = [await taking_up(world, folder).run() for _ in range(2)]
    await world.hub.leader.integrate_all()

    assert taken == [2, 0]
    assert sorted(await kept(settings)) == [(bad, "damaged"), (good, "taken-up")]
    rows = [row for (row,) in await query(settings, "SELECT row FROM audit_record")]
    assert (bad in rows, good in rows) == (False, True)
    told = [one for one in await recorded(settings) if one.interaction == "audit-taken-up"]
    assert [(one.outcome, one.outcome_desc) for one in told] == [("8", "damaged"), ("4", "taken-up")]
    assert f"Line {bad} of the second log" in str(told[0].description)
    verifier = audit_keys(settings)[1].verifier
    await export(world.hub.database, tmp_path / "export", verifier)
    assert verify_export(tmp_path / "export", verifier).ok


@pytest.mark.parametrize("text", [b"nonsense\n", b"9223372036854775808 access {}\n", b"\x00\x00\n"])
async def test_a_bad_line_holds_up_neither_its_file_nor_others(
    settings: Settings, world: World, folder: Path, text: bytes
) -> None:
    before, after, elsewhere = await sealed(world, 3)
    a_file(folder, "0-0", line(before[0], ACCESS, before[1]), text, line(after[0], ACCESS, after[1]))
    a_file(folder, "1-0", line(elsewhere[0], ACCESS, elsewhere[1]))
    made = taking_up(world, folder)

    taken = [await made.run(), await made.run()]

    assert taken == [3, 0]
    assert "0-0.log" in made.failure


async def test_a_number_of_the_future_does_not_hold_up_its_file(world: World, folder: Path) -> None:
    (_, record), (good, other) = await sealed(world, 2)
    future = row_at(world.hub.clock() + 400 * 86_400_000_000)
    a_file(folder, "0-0", line(future, ACCESS, record), line(good, ACCESS, other))
    made = taking_up(world, folder)

    assert await made.run() == 1
    assert "a number of the future" in made.failure


async def test_a_file_that_cannot_be_read_holds_up_no_other(world: World, folder: Path) -> None:
    ((row, record),) = await sealed(world)
    a_file(folder, "1-0", line(row, ACCESS, record))
    bad = folder / "0-0.log"
    bad.mkdir()
    made = taking_up(world, folder)

    assert await made.run() == 1
    assert made.failure
    bad.rmdir()
    assert await made.run() == 0
    assert made.failure == ""


@pytest.mark.parametrize("tail", [b"12 access {", bytes(4096)])
async def test_what_a_power_cut_left_of_a_line_is_nothing(world: World, folder: Path, tail: bytes) -> None:
    first, second = await sealed(world, 2)
    a_file(folder, "0-0", line(first[0], ACCESS, first[1]), tail)
    a_file(folder, "1-0", line(second[0], ACCESS, second[1]))
    made = taking_up(world, folder)

    assert await made.run() == 2
    assert made.failure == ""


async def test_a_disk_that_never_answers_is_told_and_asked_once_at_a_time(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((row, record),) = await sealed(world)
    a_file(folder, "0-0", line(row, ACCESS, record))
    made, answers, asked = taking_up(world, folder), threading.Event(), []

    def hangs(path: Path) -> list[Path]:
        asked.append(path)
        answers.wait()
        return files(path)

    monkeypatch.setattr(take_up, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(take_up, "files", hangs)

    assert [await made.run() for _ in range(3)] == [0, 0, 0]
    assert "the disk takes too long" in made.failure
    assert len(asked) == 1

    monkeypatch.setattr(take_up, "LONGEST_SECONDS", 60.0)
    answers.set()
    await asyncio.wait([made._work])

    assert await made.run() == 1
    assert made.failure == ""


async def test_lines_are_opened_outside_the_transaction(world: World, folder: Path) -> None:
    used: list[DatabaseConnection] = []

    class Watched(Reviewer):
        async def open(self, connection: DatabaseConnection, records: Sequence[Line]) -> list[Entry]:
            used.append(connection)
            return await super().open(connection, records)

    act, access = await sealed(world, 2)
    a_file(folder, "0-0", line(act[0], ACT, act[1]), line(access[0], ACCESS, access[1]))
    made = taking_up(world, folder)
    made._reviewer = Watched(world.hub.audit.keys)

    assert await made.run() == 2
    assert used == [world.hub.database.reader] * 2


async def test_one_disk_for_both_logs_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert warn_of_one_disk(tmp_path / "second", tmp_path / "renkei.sqlite3")
    assert "same disk as the database" in caplog.text
    assert not warn_of_one_disk(Path("/proc/second"), tmp_path / "renkei.sqlite3")
    assert not warn_of_one_disk(tmp_path / "not" / "mounted", tmp_path / "renkei.sqlite3")
