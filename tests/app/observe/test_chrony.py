"""A server of somebody else's: chrony, as Debian has it, answers the hub's question."""

import asyncio
import getpass
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.clock import now
from app.observe.sntp import NoTime, ask
from tests.ports import free_ports

pytestmark = pytest.mark.anyio


@pytest.fixture
def chrony(tmp_path: Path) -> Iterator[str]:
    """Start chrony on loopback, with its own clock as its source; it sets none (-x)."""
    (port,), file = free_ports(1), tmp_path / "chrony.conf"
    file.write_text(
        f"port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.1\nlocal stratum 5\ncmdport 0\nbindcmdaddress /\n"
        f"pidfile {tmp_path}/chronyd.pid\n"
    )
    process = subprocess.Popen(
        ["/usr/sbin/chronyd", "-x", "-d", "-U", "-u", getpass.getuser(), "-f", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def test_chrony_tells_the_time(chrony: str) -> None:
    told = None
    async with asyncio.timeout(30):
        while told is None:
            try:
                told = await ask(chrony, clock=now, wait_seconds=0.5)
            except NoTime:
                await asyncio.sleep(0.05)

    # It has this machine's clock.
    assert abs(told.offset) < 1_000_000
    assert told.stratum == 5
