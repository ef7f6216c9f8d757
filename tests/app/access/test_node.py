"""Node-Authentication failures that the TLS proxy reports are in the audit log (IHE ITI-19)."""

import httpx
import pytest

from app.access.limits import Limits
from app.audit.balp import Observer, audit_event
from app.settings import Settings
from tests.portal import recorded
from tests.world import ADDRESS, World

pytestmark = pytest.mark.anyio

REPORT = {"X-Renkei-Refused-Certificate": "FAILED:certificate revoked serial=1A2B", "X-Forwarded-For": "203.0.113.9"}


async def test_who_was_refused_and_why_is_on_record_and_said(world: World) -> None:
    answer = await world.http.post("/node-authentication", headers=REPORT)

    told = (await recorded(world))[-1]
    rendered = audit_event(told, id="1", observer=Observer("Device/hub", ADDRESS))
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (400, "security")
    assert (told.interaction, told.network, told.outcome_desc) == (
        *("node-authentication", "203.0.113.9"),
        "FAILED:certificate revoked serial=1A2B",
    )
    assert (rendered["type"]["code"], rendered["subtype"][0]["code"], rendered["outcome"]) == ("110113", "110126", "8")


async def test_nobody_but_a_trusted_proxy_writes_such_records(world: World) -> None:
    before = len(await recorded(world))
    elsewhere = httpx.ASGITransport(world.app, client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url=ADDRESS) as client:
        forged = await client.post("/node-authentication", headers=REPORT)

    assert (forged.status_code, (await world.http.post("/node-authentication")).status_code) == (404, 404)
    assert len(await recorded(world)) == before


async def test_a_flood_of_refused_machines_does_not_flood_the_log(world: World) -> None:
    world.hub.limits = Limits(Settings(requests_per_second=1), clock=lambda: 0.0)

    statuses = {(await world.http.post("/node-authentication", headers=REPORT)).status_code for _ in range(110)}

    told = [one for one in await recorded(world) if one.interaction == "node-authentication"]
    assert (statuses, len(told)) == ({400}, 100)
