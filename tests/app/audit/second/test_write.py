"""What the disk of the second log refuses, or never answers, leaves whole lines, loses none in silence, and ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.audit.batch import AuditUnavailable
from app.audit.second.entries import ACCESS, entries, files
from app.audit.second.take_up import FAILING, warnings
from app.audit.second.write import MOST_OWED, SecondLog
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_nothing_is_written_after_a_part_of_a_line_that_stays(tmp_path: Path) -> None:
    log = SecondLog(tmp_path, wait_seconds=5)
    assert await log.write(ACCESS, [(1, b"{}")]) is None
    (path,) = files(tmp_path)
    # A disk that is read-only by now takes no line, and no part of one back.
    os.close(log._descriptor or 0)
    log._descriptor = os.open(path, os.O_RDONLY)
    with path.open("ab") as file:
        file.write(b"2 acc")

    refused = await log.write(ACCESS, [(2, b"{}")])
    again = await log.write(ACCESS, [(3, b"{}")])
    await log.close()

    assert isinstance(refused, AuditUnavailable)
    assert again is None
    assert [entry.row for entry in entries(tmp_path)] == [1, 2, 3]
    assert len(files(tmp_path)) == 2


async def test_lines_that_are_too_many_to_be_kept_are_told_once(settings: Settings, world: World, folder: Path) -> None:
    log = world.hub.audit.second
    assert log is not None
    folder.write_bytes(b"")
    assert await log.write(ACCESS, [(number, b"{}") for number in range(1, MOST_OWED + 3)]) is not None
    folder.unlink()

    assert await log.write(ACCESS, []) is None
    assert (log.lost, len(list(entries(folder)))) == (2, MOST_OWED)
    assert warnings(world.hub) == [FAILING]
    for _ in range(2):
        await world.hub.audit.renew()
        await world.hub.audit.append([])

    assert (log.lost, log.failure) == (0, "")
    told = [one for one in await recorded(settings) if one.interaction == "audit-taken-up"]
    assert [(one.outcome, one.outcome_desc) for one in told] == [("8", "lost")]
    assert str(told[0].description).startswith("2 lines of the second log are lost")


async def test_a_disk_that_is_not_mounted_is_not_made_on_another(tmp_path: Path) -> None:
    log = SecondLog(tmp_path / "not-mounted" / "second", wait_seconds=5)

    assert isinstance(await log.write(ACCESS, [(1, b"{}")]), AuditUnavailable)
    assert not (tmp_path / "not-mounted").exists()
    assert log.failure
    (tmp_path / "not-mounted").mkdir()
    assert await log.write(ACCESS, []) is None
    assert [entry.row for entry in entries(tmp_path / "not-mounted" / "second")] == [1]
    await log.close()


async def test_what_comes_after_the_end_is_written_too(tmp_path: Path) -> None:
    log = SecondLog(tmp_path, wait_seconds=5)
    await log.write(ACCESS, [(1, b"{}")])
    await log.close()

    assert await log.write(ACCESS, [(2, b"{}")]) is None
    await log.close()
    assert [entry.row for entry in entries(tmp_path)] == [1, 2]


HANGS = """
import asyncio, sys, threading
from pathlib import Path
from app.audit.second.write import ACCESS, SecondLog

class Hangs(SecondLog):
    def _append(self, octets, number):
        threading.Event().wait()

async def main():
    log = Hangs(Path(sys.argv[1]), wait_seconds=0.05)
    assert await log.write(ACCESS, [(1, b"{}")]) is not None
    await log.close()
    print("closed")

asyncio.run(main())
"""


def test_a_process_ends_though_the_disk_never_answers(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANGS, str(tmp_path)], check=True, capture_output=True, timeout=60, text=True
    )

    assert ended.stdout == "closed\n"
