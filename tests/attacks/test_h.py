"""H1: what a caller sends is a value in the audit log, never a line, a member or a record of its own."""

import logging
from typing import Any
from urllib.parse import quote

import pytest

from tests.attacks.probe import OWNER, PATIENT, STRANGER, stock
from tests.portal import a_browser, recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio

FORGED = 'x"}\r\n{"interaction":"sign-in","user":"admin","outcome":"0"}\n<img src=x onerror=alert(1)>'


async def events(world: World, already: int) -> list[Any]:
    return (await recorded(world))[already:]


@pytest.mark.parametrize("place", ["query", "path", "request id", "sign-in", "refused"])
async def test_h1_nothing_that_is_sent_is_a_record_of_its_own(
    world: World, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    await stock(world)
    stranger = await world.client(STRANGER)
    already = len(await recorded(world))
    caplog.set_level(logging.DEBUG, "app")

    if place == "query":
        await world.http.get("/fhir/Patient", headers=stranger, params={"identifier": FORGED})
    elif place == "path":
        await world.http.get(f"/fhir/Patient/{quote(FORGED, safe='')}", headers=stranger)
    elif place == "request id":
        # No server lets a line's end into a header; whatever else may be in one is kept as it is.
        odd = FORGED.replace("\r\n", "").replace("\n", "")
        await world.http.get(f"/fhir/Patient/{PATIENT}", headers={**stranger, "x-request-id": odd})
    elif place == "sign-in":
        await a_browser(world).sign_in(FORGED, "wrong-password-1")
    else:
        await world.http.get(f"/fhir/{quote(FORGED, safe='')}", headers={"authorization": "Bearer x"})

    found = await events(world, already)
    assert len(found) == 1
    assert found[0].interaction != "sign-in" or found[0].outcome != "0"
    assert found[0].user != "admin"
    assert not any("admin" in line for record in caplog.records for line in record.getMessage().splitlines()[1:])


async def test_h1_the_auditor_sees_text_and_no_markup(world: World) -> None:
    own = await world.client(OWNER)
    attack = "<script>alert(1)</script>"
    await world.http.get(f"/fhir/Patient/{quote(attack, safe='')}", headers=own)
    await a_browser(world).sign_in(attack, "wrong-password-1")
    auditor = await signed_in(world, "audit-office", "auditor")

    page = await auditor.get("/audit")
    asked = await auditor.get("/audit", params={"user": attack, "patient": attack})

    for one in (page, asked):
        assert one.status_code == 200
        assert "&lt;script&gt;alert(1)" in one.text
        assert "<script>alert" not in one.text
