"""Copies of checkpoints: in a folder, in S3, and sent to an address; none is overwritten by another history."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from app.audit import proofs
from app.audit.copies import Copying, name_of, places
from app.audit.record import Event
from app.audit.witnessing import UNCOPIED, warnings
from app.hub import Hub
from tests.s3 import s3_server
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with s3_server() as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield "s3://renkei"


async def a_log(hub: Hub, count: int) -> str:
    await hub.audit.append([Event(hub.clock(), "R", "read") for _ in range(count)])
    await hub.leader.integrate_all()
    return (await proofs.newest(hub.database.reader))[1]


def copying(hub: Hub, *where: str, every_seconds: float = 0.0) -> Copying:
    hub.copying = Copying(hub.database, where, every_seconds, hub.clock)
    return hub.copying


async def test_each_checkpoint_has_its_own_file(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    made = copying(world.hub, str(folder))
    assert await made.run() == 0
    first = await a_log(world.hub, 2)
    assert await made.run() == 1
    second = await a_log(world.hub, 3)
    assert [await made.run(), await made.run()] == [1, 1]

    assert {one.name: one.read_text() for one in folder.iterdir()} == {name_of(2): first, name_of(5): second}
    assert await warnings(world.hub) == []


async def test_a_place_waits_for_its_turn(world: World, tmp_path: Path) -> None:
    made = copying(world.hub, str(tmp_path / "copies"), every_seconds=3_600)
    await a_log(world.hub, 1)
    present = world.hub.clock

    counts = [await made.run(), await made.run()]
    made._clock = lambda: present() + 3_700_000_000
    counts.append(await made.run())

    assert counts == [1, 0, 1]


async def test_another_history_does_not_take_the_place_of_the_first(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    signed = await a_log(world.hub, 2)
    other = signed.replace("\n2\n", "\n2\nx")
    (folder / name_of(2)).write_text(other)

    assert await copying(world.hub, str(folder)).run() == 0
    assert "forked" in world.hub.copying.failures[str(folder)]
    assert (folder / name_of(2)).read_text() == other
    assert await warnings(world.hub) == [UNCOPIED]


@pytest.mark.xdist_group("s3")
async def test_it_is_copied_to_s3(world: World, s3: str) -> None:
    place = f"{s3}/checkpoints"
    await a_log(world.hub, 2)

    assert [await copying(world.hub, place).run(), await copying(world.hub, place).run()] == [1, 1]
    assert world.hub.copying.failures == {}


async def test_it_is_sent_to_an_address(world: World) -> None:
    received: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            received[self.path] = self.rfile.read(int(self.headers["content-length"])).decode()
            self.send_response(500 if "refused" in self.path else 201)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    signed = await a_log(world.hub, 2)
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        count = await copying(world.hub, address, f"{address}/refused", "http://127.0.0.1:9").run()
        server.shutdown()
        thread.join()

    assert count == 1
    assert received[f"/{name_of(2)}"] == signed
    assert sorted(world.hub.copying.failures) == sorted([f"{address}/refused", "http://127.0.0.1:9"])


def test_the_setting_names_places() -> None:
    assert places(" /mnt/a/, s3://b/c ,") == ("/mnt/a", "s3://b/c")
