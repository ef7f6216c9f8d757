import sqlite3
from pathlib import Path

import httpx
import pytest

from benchmarks.ingest import bare_rows
from benchmarks.region import pushes
from benchmarks.yardstick import STREAM_BYTES, BareSqlite, SameBytes, SameRow, SameStream, fill_rows

pytestmark = pytest.mark.anyio


async def test_same_bytes_answers_everything_with_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "body").write_bytes(b'{"a":6.30}')
    monkeypatch.setenv("YARDSTICK_BODY", str(tmp_path / "body"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(SameBytes()), base_url="http://bare") as client:
        response = await client.get("/fhir/Patient/1")

    assert response.content == b'{"a":6.30}'


async def test_same_stream_answers_with_the_bytes_of_one_file_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "body").write_bytes(b"x" * (STREAM_BYTES * 2 + 1))
    monkeypatch.setenv("YARDSTICK_BODY", str(tmp_path / "body"))
    sent = []

    async def send(message):
        sent.append(message)

    await SameStream()({"type": "http"}, None, send)

    assert [len(one.get("body", b"")) for one in sent] == [0, STREAM_BYTES, STREAM_BYTES, 1, 0]
    assert not sent[-1].get("more_body")


async def test_same_row_answers_with_the_row_of_the_address(postgresql_server: str, monkeypatch: pytest.MonkeyPatch):
    address = f"{postgresql_server}/postgres"
    await fill_rows(address, {"/fhir/Patient/1": b"one", "/fhir/Patient?_id=2": b"two"})
    monkeypatch.setenv("YARDSTICK_DATABASE", address)
    application, said = SameRow(), iter(["lifespan.startup"])

    async def receive():
        return {"type": next(said, "lifespan.shutdown")}

    async def send(message):
        if message["type"] == "lifespan.startup.complete":
            transport = httpx.ASGITransport(application)
            async with httpx.AsyncClient(transport=transport, base_url="http://bare") as client:
                answers.append((await client.get("/fhir/Patient?_id=2")).content)

    answers: list[bytes] = []
    await application({"type": "lifespan"}, receive, send)

    assert answers == [b"two"]


def test_bare_sqlite_holds_each_body_and_as_many_index_rows_as_the_hub(tmp_path: Path):
    (push,) = pushes(1)
    bodies, index = bare_rows(push, 0)

    BareSqlite(tmp_path / "bare.sqlite3").insert(bodies, index)

    with sqlite3.connect(tmp_path / "bare.sqlite3") as raw:
        assert raw.execute("SELECT count(*) FROM body").fetchone() == (61,)
        assert raw.execute("SELECT count(*) FROM ix").fetchone() == (len(index),)
    assert 15 < len(index) / len(bodies) < 20
