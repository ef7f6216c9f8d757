"""A study goes in and out of a real server, and its memory stays where it was, however large the study is."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dicom.phantom import CT, Patient, Study, instances, uid
from tests.hub_process import HubProcess, hub_process

HEAD = b"--b0undary\r\nContent-Type: application/dicom\r\n\r\n"
STOW = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
STUDY = Study(1, Patient("P1", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M"), CT, edge=512)
MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("hub")) as made:
        yield made


def _slices(first: int, count: int) -> Iterator[bytes]:
    """Yield slices of half a megabyte that differ in their UID."""
    (whole,) = instances(STUDY)
    name = uid(STUDY.seed, CT.name, 0).encode()
    for number in range(first, first + count):
        yield whole.replace(name, name[:-6] + b"%06d" % number)


def _body(first: int, count: int) -> Iterator[bytes]:
    for one in _slices(first, count):
        yield HEAD + one + b"\r\n"
    yield b"--b0undary--\r\n"


def _peak_megabytes(hub: HubProcess, *, anew: bool = False) -> float:
    """Return the most memory that the server process has held since it was last counted anew."""
    assert hub.process is not None
    place = Path(f"/proc/{hub.process.pid}")
    line = next(line for line in (place / "status").read_text().splitlines() if line.startswith("VmHWM:"))
    if anew:
        (place / "clear_refs").write_text("5")
    return int(line.split()[1]) / 1024


def _in_and_out(hub: HubProcess, caller: dict[str, str], first: int, count: int) -> int:
    """Send so many slices in one request, fetch their study, and return the bytes that came back."""
    sent = httpx.post(
        f"{hub.address}/dicomweb/studies", headers=caller | STOW, content=_body(first, count), timeout=600
    )
    assert sent.status_code == 200
    taken = 0
    address = f"{hub.address}/dicomweb/studies/{uid(STUDY.seed, 'study')}"
    with httpx.stream("GET", address, headers=caller, timeout=600) as answer:
        assert answer.status_code == 200
        for chunk in answer.iter_raw(MEBIBYTE):
            taken += len(chunk)
    return taken


def _growth(hub: HubProcess, count: int) -> float:
    caller = hub.token("system-hospital-a")
    _in_and_out(hub, caller, 900_000, 60)
    before = _peak_megabytes(hub, anew=True)

    taken = _in_and_out(hub, caller, 0, count)

    assert taken > count * 512 * 512 * 2
    return _peak_megabytes(hub) - before


def test_a_hundred_megabytes_leave_no_trace(hub: HubProcess) -> None:
    assert _growth(hub, 200) <= 32


@pytest.mark.soak
def test_two_gigabytes_leave_no_trace(hub: HubProcess) -> None:
    assert _growth(hub, 4_000) <= 64
