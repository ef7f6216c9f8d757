"""People with second factors, for tests: an app's secret, a device, and the steps of a sign-in."""

import html
import json
import re
from typing import Any

import httpx
import pyotp

from app.access import factors, totp
from app.access.known import by_name
from tests.authenticator import Device
from tests.portal import SAME_SITE, Browser
from tests.world import World

MINUTE = 60_000_000


async def with_app(world: World, name: str) -> str:
    """Give a person an authenticator app, and return its secret."""
    secret = pyotp.random_base32()
    known = await by_name(world.hub.database.reader, name)
    assert known is not None
    async with world.hub.database.write() as connection:
        kept = totp.kept(world.hub.audit.keys, secret, known.key)
        await factors.add(world.hub, connection, known.key, factors.TOTP, title="", secret=kept)
    return secret


def code(world: World, secret: str, *, steps: int = 0) -> str:
    """Return the code of the hub's present, or of some steps from there."""
    return pyotp.TOTP(secret).generate_otp(world.hub.clock() // 30_000_000 + steps)


def options(page: httpx.Response, kind: str = "get") -> dict[str, Any]:
    """Return what a page asks of a device."""
    found = re.search(rf'data-passkey="{kind}" data-options="([^"]+)"', page.text)
    assert found is not None, page.text
    read: dict[str, Any] = json.loads(html.unescape(found[1]))
    return read


async def with_device(browser: Browser, device: Device) -> httpx.Response:
    """Add a passkey in a session, and return the answer."""
    page = await browser.get("/account/factors")
    form = {"act": "passkey", "credential": device.register(options(page, "create")), "title": "desk"}
    return await browser.post("/account/factors", form)


async def second(browser: Browser, **form: str) -> httpx.Response:
    """Send the form of the second step."""
    return await browser.http.post("/sign-in/second", data=form, headers=SAME_SITE)


def later(world: World, minutes: float) -> None:
    """Move the hub's clock on."""
    clock = world.hub.clock
    moved = lambda: clock() + int(minutes * MINUTE)  # noqa: E731 - a clock is a function
    world.hub.clock = moved
    world.hub.callers._clock = moved
