"""The disk is full: the hub says so, discloses nothing that it cannot record, and goes on when there is room again."""

import contextlib
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.app.imaging.images import CT, a_body, a_file
from tests.e2e.crashing import Crashes, crashes
from tests.hub_process import RENKEI

RECOVERS_SECONDS = 10
DISK_BYTES = 64_000_000
SERVER_BYTES = 256_000_000
REFUSALS = 5
PATIENCE = 20
"""How often a client meets a 503 before it gives up."""
STOW = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}

IN_A_SMALL_DISK = """
mount -t tmpfs -o size={size} tmpfs {disk} && cp -a {home}/. {disk} && RENKEI_HOME={disk} exec {renkei} serve
"""


@dataclass(frozen=True, slots=True)
class Disk:
    """A hub on a disk that can be filled."""

    hub: Crashes
    fill: Callable[[], None]
    free: Callable[[], None]


@pytest.fixture
def quota(tmp_path: Path) -> Iterator[Disk]:
    """No file of the server may grow, as under a user's quota."""
    with crashes("sqlite", tmp_path) as hub:
        assert hub.hub.process is not None
        pid = hub.hub.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        yield Disk(
            hub,
            lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1])) and None,
            lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, before) and None,
        )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk of the server's own, in a name space that the kernel lets anybody make, or else nobody."""
    unshare, disk, home = shutil.which("unshare"), tmp_path / "disk", tmp_path / "home"
    disk.mkdir()
    home.mkdir()
    trial = f"mount -t tmpfs tmpfs {disk}"
    if unshare is None or subprocess.run([unshare, "-rm", "sh", "-c", trial], check=False).returncode:
        pytest.skip("the kernel lets this user make no name spaces")
    script = IN_A_SMALL_DISK.format(size=DISK_BYTES, disk=disk, home=home, renkei=RENKEI)
    with crashes("sqlite", home, (unshare, "-rm", "sh", "-c", script)) as hub:
        assert hub.hub.process is not None
        filler = Path(f"/proc/{hub.hub.process.pid}/root{disk}/filler")
        yield Disk(hub, lambda: _fill(filler), filler.unlink)


@contextlib.contextmanager
def _ext4(size: int) -> Iterator[Path]:
    """Mount a file system of its own, in a file."""
    if os.geteuid() != 0 or not Path("/dev/loop-control").exists():
        pytest.skip("only root mounts a file system, by a loop device")
    place = Path(tempfile.mkdtemp(prefix="renkei-disk-full-"))
    place.chmod(0o755)
    image, disk = place / "image", place / "disk"
    disk.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
        shutil.rmtree(place)


@pytest.fixture
def ext4() -> Iterator[Disk]:
    """A file system of the hub's own that others fill."""
    with _ext4(DISK_BYTES) as disk:
        home, filler = disk / "hub", disk / "filler"
        home.mkdir()
        with crashes("sqlite", home) as hub:
            yield Disk(hub, lambda: _fill(filler), filler.unlink)


def _fill(filler: Path) -> None:
    descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(descriptor, bytes(4096))
    except OSError:
        os.close(descriptor)


@pytest.fixture(params=["quota", "small_disk", "ext4"])
def disk(request: pytest.FixtureRequest) -> Disk:
    made: Disk = request.getfixturevalue(request.param)
    return made


def _use_up(url: str, headers: Mapping[str, str]) -> None:
    """Read until no record of a read finds room in what the database had before the disk was full."""
    refused = 0
    while refused < REFUSALS:
        refused = refused + 1 if httpx.get(url, headers=headers, timeout=30).status_code == 503 else 0


def _ask_while_full(hub: Crashes) -> list[httpx.Response]:
    """Return what a hub answers to reads and writes of what it has."""
    name = hub.ledger.shared["hospital-a"]
    headers = hub.tokens["hospital-a"]
    _use_up(f"{hub.hub.address}/fhir/{name}", headers)
    with httpx.Client(base_url=f"{hub.hub.address}/fhir", headers=headers, timeout=30) as http:
        return [
            http.get(name),
            http.get(f"{name}/_history"),
            http.get("Observation"),
            http.post("Patient", json={"resourceType": "Patient", "name": [{"family": "満杯"}]}),
            http.delete(name),
            http.get("Patient", headers={"Authorization": "Bearer of nothing"}),
            http.post(f"{hub.hub.address}/dicomweb/studies", headers=STOW, content=a_body(a_file(CT))),
        ]


def _reads_again(hub: Crashes) -> bool:
    url = f"{hub.hub.address}/fhir/{hub.ledger.shared['hospital-a']}"
    deadline = time.monotonic() + RECOVERS_SECONDS
    while time.monotonic() < deadline:
        if httpx.get(url, headers=hub.tokens["hospital-a"], timeout=30).status_code == 200:
            return True
        time.sleep(0.05)
    return False


def test_a_hub_whose_disk_is_full_answers_503_loses_nothing_and_recovers(disk: Disk) -> None:
    hub = disk.hub
    since = hub.begin()

    hub.load(disk.fill)
    full = _ask_while_full(hub)
    disk.free()
    again = _reads_again(hub)
    found = hub.prove_outside() if hub.hub.command[0] != RENKEI else hub.prove(since)

    assert [answer.status_code for answer in full] == [503] * len(full)
    assert {answer.json()["resourceType"] for answer in full} == {"OperationOutcome"}
    assert all(answer.headers["retry-after"] == "5" for answer in full)
    assert again
    assert found == []


def test_a_database_whose_disk_is_full_loses_nothing_that_was_promised(tmp_path: Path) -> None:
    with _ext4(SERVER_BYTES) as disk, crashes("postgresql", tmp_path, place=disk) as hub:
        assert hub.server is not None
        filler, since = disk / "filler", hub.begin()

        hub.load(lambda: _fill(filler), patience=PATIENCE)
        full = httpx.get(f"{hub.hub.address}/health", timeout=30)
        filler.unlink()
        # What could not write its log has ended itself, and may have tried to recover while the disk was full.
        hub.server.start_again()
        again = _reads_again(hub)
        found = hub.prove(since)

    assert full.status_code in (200, 503)
    assert again
    assert found == []


def test_what_was_acknowledged_before_the_disk_was_full_is_there_after_a_crash_too(quota: Disk) -> None:
    hub = quota.hub
    since = hub.begin()

    hub.load(quota.fill)
    hub.hub.kill()
    hub.hub.start()

    assert hub.prove(since) == []
