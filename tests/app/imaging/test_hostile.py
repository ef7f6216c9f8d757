"""Hostile bodies at the STOW-RS door: an answer each time, and nothing half stored."""

import asyncio
import gc
import random
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.blobs.tables import blob
from app.imaging import receive
from dicom.manifest.write import write_kos
from dicom.store.tables import dicom_instance
from tests.app.imaging.images import CT, MR, REPORT, RLE, a_body, a_file, address, send, stored
from tests.app.imaging.mado.test_convert import a_manifest
from tests.app.imaging.test_disclosure import watched
from tests.dicom.making import PYDICOM
from tests.dicom.test_hostile_files import damaged
from tests.reports import a_ct_dose
from tests.world import World

pytestmark = pytest.mark.anyio

STOW = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
HEAD = b"--b0undary\r\nContent-Type: application/dicom\r\n\r\n"
WINDOWS = b"MZ\x90\0\x03".ljust(128, b"\0")
MUTATED = [CT, MR, RLE, "test_files/MR_small_implicit.dcm", "charset_files/chrH32.dcm", "test_files/rtplan.dcm"]


def _files(world: World) -> list[Path]:
    return [path for path in Path(world.hub.settings.blobs_place).rglob("*") if path.is_file()]


async def _count(world: World, table: Any) -> int:
    rows = await world.hub.database.reader.fetch(select(func.count()).select_from(table), {})
    return int(rows[0][0])


async def _nothing_is_there(world: World) -> bool:
    return not _files(world) and await _count(world, dicom_instance) == await _count(world, blob) == 0


async def test_a_program_in_a_preamble_is_kept_noted_and_never_run_by_a_browser(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = watched(world, monkeypatch)
    hospital = await world.client("hospital-a")
    data = WINDOWS + a_file(CT)[128:]

    await stored(world, hospital, data, a_file(MR))
    notes = [event.outcome_desc for event in told if event.interaction == "stow"]
    given = await world.http.get(address(data), headers=hospital | {"accept": "application/dicom"})

    assert given.content == data
    assert given.headers["x-content-type-options"] == "nosniff"
    assert given.headers["content-disposition"] == "attachment"
    assert given.headers["content-security-policy"] == "default-src 'none'; sandbox"
    # Each patient's record tells of its own: this MR, as it comes with pydicom, is a TIFF as well.
    ct, mr = (address(one).rpartition("/")[2] for one in (data, a_file(MR)))
    assert notes == [f"{ct} begins as a Windows program", f"{mr} begins as a TIFF"]


async def test_a_body_without_end_ends_at_the_limit_and_leaves_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    world.hub.settings = world.hub.settings.model_copy(update={"stow_bytes": 3_000_000})
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield HEAD
        while True:
            taken += 1
            yield bytes(100_000)

    response = await world.http.post("/dicomweb/studies", headers=hospital | STOW, content=endless())

    assert response.status_code == 413
    assert taken < 40
    assert await _nothing_is_there(world)


async def test_parts_without_end_end_at_the_limit(world: World) -> None:
    hospital = await world.client("hospital-a")
    world.hub.settings = world.hub.settings.model_copy(update={"stow_bytes": 300_000})

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield HEAD + b"\r\n"

    response = await world.http.post("/dicomweb/studies", headers=hospital | STOW, content=endless())

    assert response.status_code == 413
    assert await _nothing_is_there(world)


@pytest.mark.parametrize("kind", ["dicom", "dicom+json"])
@pytest.mark.parametrize("pace", ["silent", "a byte at a time"])
async def test_a_slow_sender_is_not_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, pace: str, kind: str
) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(receive, "PATIENCE_SECONDS", 0.1)
    held = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield HEAD + a_file(CT)[:1000]
        while True:
            if pace == "silent":
                await held.wait()
            await asyncio.sleep(0.02)
            yield b"\0"

    monkeypatch.setattr(receive, "SLOWEST_BYTES_PER_SECOND", 1_000_000)
    stow = {name: value.replace("application/dicom", f"application/{kind}") for name, value in STOW.items()}
    response = await world.http.post("/dicomweb/studies", headers=hospital | stow, content=slow())

    assert response.status_code == 408
    assert response.json()["issue"][0]["code"] == "timeout"
    assert await _nothing_is_there(world)


async def test_a_request_that_is_given_up_leaves_no_files(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(receive, "GROUP", 1)
    begun = asyncio.Event()

    async def held(*_: Any, **__: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(receive, "keep_all", held)
    body = a_body(a_file(CT), a_file(MR), a_file(RLE))
    request = asyncio.create_task(world.http.post("/dicomweb/studies", headers=hospital | STOW, content=body))
    await begun.wait()
    request.cancel()

    with pytest.raises(asyncio.CancelledError):
        await request
    assert _files(world) == []


@pytest.mark.parametrize("cut", [10, 60, 5_000, -5])
async def test_a_body_shorter_than_was_said_stores_nothing(world: World, cut: int) -> None:
    hospital = await world.client("hospital-a")
    whole = a_body(a_file(CT))
    messages: Iterator[dict[str, Any]] = iter(
        [{"type": "http.request", "body": whole[:cut], "more_body": True}, {"type": "http.disconnect"}]
    )
    headers = {**hospital, **STOW, "content-length": str(len(whole) * 2)}
    answers = []

    async def read() -> Any:
        return next(messages)

    async def write(message: Any) -> None:
        answers.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/dicomweb/studies",
        "raw_path": b"/dicomweb/studies",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "http_version": "1.1",
        "root_path": "",
    }
    await world.app(scope, read, write)

    assert answers[0]["status"] == 400
    assert await _nothing_is_there(world)


@pytest.mark.parametrize(
    "path",
    [
        "studies/..%2F..%2Fetc",
        "studies/1.2/series/..%2f1/metadata",
        "studies/1.2/series/1.3/instances/%2e%2e/frames/1",
        "studies/1.2/series/1.3/instances/1.4%00/rendered",
        f"studies/{'1' * 65}",
    ],
)
async def test_an_address_that_names_no_uid_reaches_nothing(world: World, path: str) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.get(f"/dicomweb/{path}", headers=hospital)

    assert response.status_code in (400, 404)


async def test_a_patient_id_that_is_a_path_names_no_file(world: World) -> None:
    hospital = await world.client("hospital-a")
    data = a_file(CT, PatientID="../../../../tmp/evil", AccessionNumber="/etc/passwd")

    await stored(world, hospital, data)

    (path,) = _files(world)
    assert path.parent.parent.parent == Path(world.hub.settings.blobs_place)
    assert len(path.name) == 64


async def _sent(
    world: World, caller: dict[str, str], seed: str, mutations: int, wholes: list[bytes] | None = None
) -> tuple[int, int]:
    """Send damaged files, 25 in a request; return how many were stored and how many refused."""
    source = random.Random(seed)
    wholes = wholes or [(PYDICOM / name).read_bytes() for name in MUTATED]
    done = [0, 0]
    for _ in range(0, mutations, 25):
        parts = [damaged(source.choice(wholes), source) for _ in range(25)]
        response = await send(world, caller, *parts)
        assert response.status_code in (200, 202, 409), response.text
        answer = response.json()
        counts = [len(answer.get(key, {}).get("Value", [])) for key in ("00081199", "00081198")]
        assert sum(counts) == 25
        for one in answer.get("00081198", {}).get("Value", []):
            assert one["00081197"]["Value"][0] in (0x0110, 0x0111, 0xA900, 0xC000)
            assert one["00000902"]["Value"][0] != "the instance could not be read"
        done = [before + now for before, now in zip(done, counts, strict=True)]
    return done[0], done[1]


def _resident_bytes() -> int:
    """Return what this process holds now."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


async def _is_whole(world: World) -> bool:
    """Whether each row has its bytes, and nothing is left of what was on its way."""
    assert [path for path in _files(world) if path.name.startswith("incoming")] == []
    rows = await world.hub.database.reader.fetch(
        select(dicom_instance.c.custodian, dicom_instance.c.digest, dicom_instance.c.size), {}
    )
    for custodian, digest, size in rows:
        assert len(await world.hub.blobs.read(custodian, digest)) == size
    return {row[1] for row in rows} <= {path.name for path in _files(world)}


async def test_damaged_files_are_stored_or_refused_and_nothing_is_half_stored(world: World) -> None:
    hospital = await world.client("hospital-a")

    kept, refused = await _sent(world, hospital, "short", 150)

    assert kept > 0
    assert refused > 10
    assert await _is_whole(world)


async def test_damaged_reports_and_manifests_are_stored_or_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    wholes = [a_file(REPORT), write_kos(a_manifest()), a_ct_dose(), a_file("test_files/dicomdirtests/DICOMDIR")]

    kept, refused = await _sent(world, hospital, "documents", 100, wholes)

    assert kept > 0 < refused
    assert await _is_whole(world)


@pytest.mark.soak
async def test_ten_thousand_damaged_files_take_no_memory(world: World) -> None:
    hospital = await world.client("hospital-a")
    await _sent(world, hospital, "warm", 1_000)
    before = _resident_bytes()

    for number in range(10):
        await _sent(world, hospital, f"long {number}", 1_000)
        # What the client holds in circles of its own is not asked about here.
        gc.collect()

    assert _resident_bytes() - before < 32 << 20
    assert await _is_whole(world)
