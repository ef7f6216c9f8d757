"""The gateway and the hub in one process."""

import json
from pathlib import Path

import httpx
import pytest

from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.journal import Journal
from app.exchange.ssmix2.gateway.line import Line, LineDown, NotLetIn
from app.exchange.ssmix2.gateway.run import Gateway, Wanted
from tests.oauth import JWKS, KEY, a_client
from tests.ssmix2 import a_file
from tests.world import ADDRESS, World

pytestmark = pytest.mark.anyio


class Site:
    """A hospital beside the hub, in this process."""

    def __init__(self, world: World, folder: Path) -> None:
        self.root = folder / "store"
        self.journal, self.dead = Journal(folder / "journal"), DeadLetters(folder / "dead")
        key = folder / "key.json"
        key.write_text(json.dumps(KEY.as_dict(private=True)))
        self.line = Line(ADDRESS, "gateway-a", key)
        self.line._http = world.http

    def put(self, *files: tuple[str, bytes]) -> None:
        for path, body in files:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(body)

    async def run(self) -> tuple[int, int, int]:
        gateway = Gateway(Wanted(self.root, once=True, settle_seconds=0), self.journal, self.dead, self.line)
        await gateway.run()
        return gateway.progress.done, gateway.progress.unchanged, gateway.progress.refused


async def a_gateway(world: World, folder: Path, scopes: str = "ssmix2") -> Site:
    registered = {"kind": "system", "authentication": "private_key_jwt", "redirects": ""}
    await a_client(world, "gateway-a", **registered, scopes=scopes, jwks=JWKS)
    site = Site(world, folder)
    site.put(a_file(), a_file("OML-11"), a_file("OMP-01"))
    return site


async def test_a_store_is_sent_once(world: World, tmp_path: Path):
    site = await a_gateway(world, tmp_path)

    assert await site.run() == (3, 0, 0)
    assert await site.run() == (0, 0, 0)
    # Without its journal everything is sent again, and nothing comes twice.
    site.journal.forget([path for path, _ in (a_file(), a_file("OML-11"), a_file("OMP-01"))])
    assert await site.run() == (0, 3, 0)


async def test_what_the_hub_takes_less_of_is_sent_in_parts_and_what_is_too_large_alone_is_a_dead_letter(
    world: World, tmp_path: Path
):
    site = await a_gateway(world, tmp_path)
    site.put(a_file("OMG-01", day="20200402"), (a_file("OMG-03")[0], a_file("OMG-03")[1] + b"NTE|1|" + b"a" * 9_000))
    world.hub.settings = world.hub.settings.model_copy(update={"bundle_bytes": 9_000})

    assert await site.run() == (4, 0, 1)
    ((path, findings),) = site.dead.reasons()
    assert (path, "larger than 9000 bytes" in findings[0]["text"]) == (a_file("OMG-03")[0], True)
    assert site.journal.counts() == (4, 1)


async def test_a_token_that_ended_is_asked_for_anew(world: World, tmp_path: Path):
    site = await a_gateway(world, tmp_path)
    site.line._token, site.line._ends = "of a hub before", float("inf")

    assert await site.run() == (3, 0, 0)


async def test_a_gateway_without_the_scope_is_told_so_and_nothing_becomes_a_dead_letter(world: World, tmp_path: Path):
    site = await a_gateway(world, tmp_path, scopes="system/Patient.cruds")

    with pytest.raises(NotLetIn, match="invalid_scope"):
        await site.run()
    assert site.dead.reasons() == []


async def test_a_line_that_stays_down_is_told_and_what_was_not_sent_is_sent_later(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    site = await a_gateway(world, tmp_path)
    monkeypatch.setattr("app.exchange.ssmix2.gateway.patience.SHORTEST_WAIT_SECONDS", 0.01)

    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody listens")

    async with httpx.AsyncClient(transport=httpx.MockTransport(away)) as nobody:
        site.line._http = nobody
        with pytest.raises(LineDown, match="does not answer"):
            await site.run()
    assert "nobody listens" in site.journal.notes()["line_down"]

    site.line._http = world.http
    assert await site.run() == (3, 0, 0)
    assert site.journal.notes()["line_down"] == ""
