"""Proving once more to be the one: by a passkey that is asked in this session for this, or by the password."""

import pytest

from app.settings import Settings
from tests.authenticator import Device
from tests.glass import a_known_person, break_glass, reads
from tests.people import options, with_device
from tests.portal import signed_in
from tests.world import running

pytestmark = pytest.mark.anyio


async def test_a_passkey_proves_it_once_and_only_for_this(settings: Settings) -> None:
    # There are no passkeys at a bare address.
    async with running(settings.model_copy(update={"address": "https://hub.example"})) as world:
        known = await a_known_person(world)
        browser, device = await signed_in(world, "clinic-c"), Device()
        await with_device(browser, device)
        page = await browser.get(f"/break-glass?patient={known.here}")
        elsewhere = device.prove(options(page) | {"challenge": "AAAA"})
        answer = device.prove(options(page))

        wrong = await break_glass(browser, known.here, password="", credential=elsewhere)
        right = await break_glass(browser, known.here, password="", credential=answer)
        again = await break_glass(browser, known.here, password="", credential=answer)

        assert [one.status_code for one in (wrong, right, again)] == [400, 303, 400]
        assert await reads(browser, known.ordinary) == [200]


async def test_wrong_passwords_make_the_account_wait(settings: Settings) -> None:
    async with running(settings.model_copy(update={"password_attempts": 2})) as world:
        known = await a_known_person(world)
        browser = await signed_in(world, "clinic-c")

        answers = [await break_glass(browser, known.here, password=f"wrong-password-{n}") for n in range(2)]
        right = await break_glass(browser, known.here)

        assert [one.status_code for one in (*answers, right)] == [400, 400, 400]
        assert await reads(browser, known.ordinary) == [404]
