"""Every interesting system call fails once: what the hub acknowledged and disclosed stays, with its audit records.

strace makes the n-th call of a thread fail, under a load. A flush that fails ends the process, for nobody knows then
what is on the disk; after a call of another kind the hub says 503, and goes on or is started again.

https://man7.org/linux/man-pages/man1/strace.1.html
"""

import asyncio
import contextlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from app.db.sqlite import NOT_FLUSHED_CODE
from tests.e2e.crashing import SEED, Crashes, crashes

FAILS_SECONDS = 10
"""How long a call may take to come up under the load."""

PATIENCE = 60
"""How often a client meets a 503, or nobody, before it gives up: a pause of 50 ms each time."""

SQLITE = ("fdatasync:EIO", "fsync:EIO", "pwrite64:EIO", "pwrite64:ENOSPC", "pread64:EIO", "rename:EIO", "openat:EMFILE")
POSTGRESQL = ("fdatasync:EIO", "pwrite64:EIO", "pwrite64:ENOSPC", "fsync:EIO")
"""Calls of the hub's process, and of the database server's: name and error."""

SHORT = {"sqlite": ("fdatasync:EIO", "pwrite64:EIO"), "postgresql": ("fdatasync:EIO",)}
LONG = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
SOAK_TURNS = int(os.environ.get("RENKEI_CRASH_ROUNDS") or 200) // 25


@pytest.fixture(autouse=True)
def _strace() -> None:
    if shutil.which("strace") is None:
        pytest.fail("strace is missing; `make test` installs it")
    scope = Path("/proc/sys/kernel/yama/ptrace_scope")
    if os.geteuid() != 0 and scope.exists() and scope.read_text().strip() != "0":
        pytest.skip("the kernel lets this user trace no other process than its own children")


@dataclass
class Fault:
    """One call that fails."""

    call: str
    number: int
    """Which call of a thread, from 1."""

    def strike(self, hub: Crashes, report: Path) -> bool:
        """Let the call fail, and return whether it came up; the hub has ended, or is ended a moment later."""
        name, error = self.call.split(":")
        inject = f"inject={name}:error={error}:when={self.number}"
        attached = [part for pid in self._processes(hub) for part in ("-p", str(pid))]
        command = ["strace", "-f", "-qq", "-o", str(report), "-e", f"trace={name}", "-e", inject, *attached]
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + FAILS_SECONDS
        while time.monotonic() < deadline and not self.came_up(report):
            time.sleep(0.02)
            if hub.server is not None and name == "fsync":
                # The server flushes its data files when it takes a checkpoint, and seldom otherwise.
                with contextlib.suppress(OSError, asyncpg.PostgresError):
                    asyncio.run(_take_a_checkpoint(hub.server.address))
        time.sleep(0.2)
        tracer.terminate()
        tracer.wait(20)
        return self.came_up(report)

    @staticmethod
    def came_up(report: Path) -> bool:
        return report.exists() and "(INJECTED)" in report.read_text(errors="replace")

    @staticmethod
    def _processes(hub: Crashes) -> list[int]:
        """Return the processes whose calls fail: the hub's, or all of the database server's."""
        if hub.server is None:
            assert hub.hub.process is not None
            return [hub.hub.process.pid]
        postmaster = int((hub.server.data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
        return [postmaster, *map(int, children)]


async def _take_a_checkpoint(address: str) -> None:
    connection = await asyncpg.connect(f"{address}/postgres")
    try:
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


def fail_once(hub: Crashes, fault: Fault, report: Path) -> tuple[bool, int | None, list[str]]:
    """Let a call fail under a load, and return whether it came up, how the hub ended, and what is not as promised."""
    since, came_up, code = hub.begin(), False, None

    def strike() -> None:
        nonlocal came_up, code
        came_up = fault.strike(hub, report)
        assert hub.hub.process is not None
        code = hub.hub.process.poll()
        hub.hub.kill()

    hub.load(strike, patience=PATIENCE)
    if hub.server is not None:
        hub.server.start_again()
    hub.hub.start()
    return came_up, code, hub.prove(since, index=False)


def _faults(calls: Sequence[str], turns: int) -> list[Fault]:
    dice = random.Random(SEED)
    return [Fault(call, dice.randint(1, 3 + 10 * turn)) for turn in range(turns) for call in calls]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_call_that_fails_costs_nothing_that_was_promised(kind: str, tmp_path: Path) -> None:
    with crashes(kind, tmp_path) as hub:
        for number, fault in enumerate(_faults(SHORT[kind], 1)):
            came_up, code, found = fail_once(hub, fault, tmp_path / f"strace-{number}")

            assert found == []
            assert came_up, fault
            if kind == "sqlite" and fault.call == "fdatasync:EIO":
                assert code == NOT_FLUSHED_CODE


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_call_fails_at_many_moments(kind: str, tmp_path: Path) -> None:
    came = dict.fromkeys(LONG[kind], 0)
    with crashes(kind, tmp_path) as hub:
        for number, fault in enumerate(_faults(LONG[kind], SOAK_TURNS)):
            came_up, _, found = fail_once(hub, fault, tmp_path / f"strace-{number}")

            assert found == []
            came[fault.call] += came_up
    assert all(came.values()), came
