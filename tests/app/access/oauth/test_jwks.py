"""Keys at a client's own address: fetched, kept, fetched anew for a new key, and led nowhere else (G1)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from joserfc.jwk import ECKey

from app.access.oauth import jwks
from tests.oauth import JWKS, KEY, a_client, assertion
from tests.world import World

pytestmark = pytest.mark.anyio


class Site:
    """A client's web server on this machine."""

    def __init__(self) -> None:
        self.body, self.status, self.headers, self.asked = JWKS, "200 OK", "", 0
        self.address = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        head = f"HTTP/1.1 {self.status}\r\ncontent-length: {len(self.body)}\r\nconnection: close\r\n{self.headers}\r\n"
        writer.write(head.encode() + self.body.encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def a_site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
    async with server:
        yield site


async def ask(world: World, key: Any = KEY) -> tuple[int, str]:
    form = {"grant_type": "client_credentials", **assertion("ehr", key)}
    response = await world.http.post("/oauth/token", data=form)
    return response.status_code, response.json().get("error_description", "")


async def a_system(world: World, address: str, networks: str = "127.0.0.0/8") -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"jwks_networks": networks})
    registered = {"kind": "system", "authentication": "private_key_jwt", "redirects": "", "scopes": "system/*.rs"}
    await a_client(world, "ehr", **registered, jwks='{"keys":[]}', jwks_url=address)


async def test_keys_are_fetched_once_and_again_for_a_new_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    new = ECKey.generate_key("P-384", {"kid": "new", "use": "sig"})
    async with a_site() as site:
        await a_system(world, site.address)
        first, second = await ask(world), await ask(world)
        fetched = site.asked
        site.body = json.dumps({"keys": [new.as_dict(private=False)]})
        too_soon = await ask(world, new)
        monkeypatch.setattr(jwks, "AGAIN_SECONDS", 0.0)
        rotated, old = await ask(world, new), await ask(world)

    assert (first[0], second[0], fetched) == (200, 200, 1)
    assert (too_soon[0], rotated[0], old[0]) == (401, 200, 401)


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("site", ""),
        ("site", "10.0.0.0/8"),
        ("https://127.0.0.1/jwks", ""),
        ("https://[::1]/jwks", ""),
        ("https://[::ffff:127.0.0.1]/jwks", ""),
        ("https://2130706433/jwks", ""),
        ("https://169.254.169.254/latest", ""),
        ("https://10.1.2.3/jwks", ""),
        ("https://192.168.0.1/jwks", ""),
        ("https://0.0.0.0/jwks", ""),
        ("https://224.0.0.1/jwks", ""),
        ("https://localhost/jwks", ""),
        ("http://10.1.2.3/jwks", "10.0.0.0/8"),
        ("file:///etc/passwd", "0.0.0.0/0"),
    ],
)
async def test_g1_the_hub_is_led_into_no_network_that_is_not_named(world: World, address: str, networks: str) -> None:
    async with a_site() as site:
        await a_system(world, site.address if address == "site" else address, networks)
        status, text = await ask(world)

    assert status == 401
    assert "address" in text
    assert site.asked == 0


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        ("404 Not Found", "", ""),
        ("200 OK", "", "no JSON"),
        ("200 OK", "", "[]"),
        ("200 OK", "", '{"keys": 1}'),
        ("200 OK", "", " " * 200_000),
    ],
    ids=range(6),
)
async def test_g1_what_is_no_key_set_is_no_key(world: World, status: str, headers: str, body: str) -> None:
    async with a_site() as site:
        site.status, site.headers, site.body = status, headers, body
        await a_system(world, site.address)
        found, _ = await ask(world)

    assert found == 401
