"""Uploads: programs and macros are refused wherever they stand; a real clamd looks at the rest when it is set."""

import base64
import io
import json
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from app.uploads.active import active_content
from app.uploads.clamd import NotScanned, scan
from fhir.xml.to_xml import to_xml
from tests.app.audit.test_at_work import recorded
from tests.world import World, a_patient, running

pytestmark = pytest.mark.anyio

PROGRAM = b"MZ\x90\x00" + bytes(56) + b"\x40\x00\x00\x00PE\x00\x00"
TEXT = b"a plain letter, which runs nothing at all"
SIGNED = b"renkei-test-signature-of-nothing"
"""What the local signature of these tests finds."""


def archive(*names: str) -> bytes:
    octets = io.BytesIO()
    with zipfile.ZipFile(octets, "w") as made:
        for name in names:
            # A test is named after these bytes: they say no time.
            made.writestr(zipfile.ZipInfo(name), "x")
    return octets.getvalue()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (PROGRAM, "a program of Windows"),
        (b"\x7fELF\x02", "a program of Linux"),
        (b"#!/bin/sh\n", "a script"),
        (archive("word/document.xml", "word/vbaProject.bin"), "a document with macros"),
        (archive("a/setup.EXE"), "an archive with a program"),
        (archive("a.txt")[:-20], "an archive that cannot be read"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "_VBA_PROJECT".encode("utf-16-le"), "a document with macros"),
        (b"%PDF-1.7\n<< /S /JavaScript /JS (x) >>", "a PDF that runs something"),
        (b"\n\n%PDF-1.7\n/Launch ", "a PDF that runs something"),
        (archive("word/document.xml"), None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"WordDocument", None),
        (b"%PDF-1.7\n/JSome ", None),
        (b"MZ" + bytes(range(100)), None),
        (b"MZ", None),
        (b"#!not a path", None),
        (b"MZ" + bytes(100) + b"This program cannot be run in DOS mode", "a program of Windows"),
        (TEXT, None),
        (b"", None),
    ],
)
def test_active_content_is_known_by_its_bytes(body: bytes, words: str | None) -> None:
    assert active_content(body) == words


def a_binary(body: bytes, **fields: Any) -> dict[str, Any]:
    return {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(body).decode(), **fields}


async def an_upload(world: World, body: bytes) -> tuple[int, dict[str, Any]]:
    hospital = await world.client("hospital-a")
    answer = await world.http.post("/fhir/Binary", headers=hospital, json=a_binary(body))
    return answer.status_code, answer.json()


async def test_a_program_is_refused_by_its_place_and_on_record(settings: Settings, world: World) -> None:
    status, outcome = await an_upload(world, PROGRAM)

    assert status == 422
    assert outcome["issue"][0]["code"] == "security"
    assert outcome["issue"][0]["expression"] == ["Binary.data"]
    told = [(one.interaction, one.outcome, one.outcome_desc) for one in await recorded(settings)][-2:]
    assert told == [("malware", "8", "Binary.data: a program of Windows"), ("create", "4", "422")]


async def test_it_is_refused_however_it_comes(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    escaped = json.dumps(a_binary(PROGRAM)).replace("TVqQ", "\\u0054VqQ").encode()
    entry = {"resource": a_binary(PROGRAM), "request": {"method": "POST", "url": "Binary"}}
    photo = a_patient(photo=[{"data": base64.b64encode(PROGRAM).decode()}])
    patch = [{"op": "add", "path": "/photo", "value": [{"data": base64.b64encode(PROGRAM).decode()}]}]
    ways: list[tuple[str, str, bytes, str]] = [
        ("POST", "Binary", escaped, "application/fhir+json"),
        ("POST", "Binary", to_xml(json.dumps(a_binary(PROGRAM)).encode()), "application/fhir+xml"),
        ("PUT", f"Patient/{patient}", json.dumps({**photo, "id": patient}).encode(), "application/fhir+json"),
        ("PATCH", f"Patient/{patient}", json.dumps(patch).encode(), "application/json-patch+json"),
        *(
            ("POST", "", json.dumps({"resourceType": "Bundle", "type": kind, "entry": [entry]}).encode(), "")
            for kind in ("batch", "transaction")
        ),
    ]

    for method, path, body, kind in ways:
        headers = {**hospital, "content-type": kind or "application/fhir+json"}
        answer = await world.http.request(method, f"/fhir/{path}", headers=headers, content=body)
        assert answer.status_code == 422, (method, path, answer.text)
    assert (await an_upload(world, TEXT))[0] == 201


async def test_a_region_may_allow_active_content(settings: Settings) -> None:
    async with running(settings.model_copy(update={"active_content": "allow"})) as world:
        assert (await an_upload(world, PROGRAM))[0] == 201


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a real clamd that knows one signature."""
    folder: Path = tmp_path_factory.mktemp("clamd")
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "local.ndb").write_text(f"Renkei.Test:0:*:{SIGNED.hex()}\n")
    socket = folder / "clamd.socket"
    (folder / "clamd.conf").write_text(
        f"DatabaseDirectory {signatures}\nLocalSocket {socket}\nForeground yes\nStreamMaxLength 1M\n"
        "User root\nMaxThreads 2\n"
    )
    program = shutil.which("clamd") or "/usr/sbin/clamd"
    process = subprocess.Popen([program, "-c", str(folder / "clamd.conf")], stdout=subprocess.DEVNULL)
    ends = time.monotonic() + 60
    while not socket.exists() and process.poll() is None and time.monotonic() < ends:
        time.sleep(0.05)
    assert socket.exists(), "clamd does not start"
    yield str(socket)
    process.terminate()
    process.wait(20)


async def test_clamd_finds_what_it_has_a_signature_of(clamd: str) -> None:
    assert await scan(clamd, b"before " + SIGNED + b" after") == "Renkei.Test.UNOFFICIAL"
    assert await scan(clamd, TEXT) is None
    assert await scan(clamd, b"") is None
    with pytest.raises(NotScanned):
        await scan(clamd, bytes(2_000_000))


async def test_what_clamd_finds_is_refused(settings: Settings, clamd: str) -> None:
    async with running(settings.model_copy(update={"clamd": clamd})) as world:
        found, outcome = await an_upload(world, SIGNED + TEXT)
        harmless, _ = await an_upload(world, TEXT)

    assert (found, harmless) == (422, 201)
    assert "Renkei.Test" in outcome["issue"][0]["diagnostics"]


async def test_without_its_scanner_nothing_is_taken(settings: Settings, tmp_path: Path) -> None:
    async with running(settings.model_copy(update={"clamd": str(tmp_path / "gone")})) as world:
        assert (await an_upload(world, TEXT))[0] == 503
        assert (
            await world.http.post("/fhir/Patient", headers=await world.client("hospital-a"), json=a_patient())
        ).status_code == 201
