import json

import pytest

from app.access import passkeys
from app.access.person_tables import second_factor
from app.settings import Settings
from tests.authenticator import PRESENT, Device, text
from tests.people import code, later, options, second, with_device
from tests.portal import SAME_SITE, Browser, a_browser, recorded, signed_in
from tests.world import World, running

pytestmark = pytest.mark.anyio

NAME = "doctor-clinic-c"


@pytest.fixture
async def hub(settings: Settings) -> World:
    """A hub with a name: there are no passkeys at a bare address."""
    async with running(settings.model_copy(update={"address": "https://hub.example"})) as made:
        yield made


async def with_passkey(hub: World) -> tuple[Browser, Device]:
    """Return the browser of a doctor who has added a passkey, and the device."""
    browser, device = await signed_in(hub, "clinic-c"), Device()
    answer = await with_device(browser, device)
    assert answer.status_code == 200, answer.text
    return browser, device


async def prove(hub: World, answer: str) -> int:
    """Return the status of a sign-in by a passkey's answer."""
    done = await a_browser(hub).http.post("/sign-in/passkey", data={"credential": answer}, headers=SAME_SITE)
    return done.status_code


async def asked(hub: World) -> dict[str, object]:
    return options(await a_browser(hub).get("/"))


async def test_a_passkey_alone_signs_in_and_is_two_factors(hub: World) -> None:
    _, device = await with_passkey(hub)
    browser = a_browser(hub)
    answer = device.prove(options(await browser.get("/")))

    form = {"credential": answer, "next": "/consents"}
    done = await browser.http.post("/sign-in/passkey", data=form, headers=SAME_SITE)

    assert done.headers["location"] == "/consents"
    caller = await hub.hub.callers.by_session(browser.http.cookies["renkei_session"])
    assert (caller.user, caller.factors) == (NAME, "passkey")
    assert "By passkey" in [one.description for one in await recorded(hub)]


async def test_an_answer_is_good_once(hub: World) -> None:
    _, device = await with_passkey(hub)
    # A passkey that is kept by several devices counts nothing, so that only the challenge tells a second use.
    device.counter = -1
    answer = device.prove(await asked(hub))

    assert [await prove(hub, answer), await prove(hub, answer)] == [303, 401]
    assert "The challenge was answered before" in [one.outcome_desc for one in await recorded(hub)]


async def test_a_counter_that_goes_back_is_a_copied_device(hub: World) -> None:
    _, device = await with_passkey(hub)
    assert await prove(hub, device.prove(await asked(hub))) == 303
    device.counter = 0

    assert await prove(hub, device.prove(await asked(hub))) == 401


async def test_a_device_that_has_not_recognised_its_person_is_refused(hub: World) -> None:
    _, device = await with_passkey(hub)

    assert await prove(hub, device.prove(await asked(hub), flags=PRESENT)) == 401


async def test_an_answer_for_another_site_is_refused(hub: World) -> None:
    _, device = await with_passkey(hub)
    for party, origin in (("hub.example", "https://elsewhere.example"), ("elsewhere.example", "https://hub.example")):
        twin = Device(party, origin, device.key, device.id, device.counter)
        assert await prove(hub, twin.prove(await asked(hub))) == 401


async def test_an_answer_by_another_key_is_refused(hub: World) -> None:
    _, device = await with_passkey(hub)

    assert await prove(hub, Device(id=device.id, counter=5).prove(await asked(hub))) == 401
    assert await prove(hub, Device().prove(await asked(hub))) == 401


async def test_a_challenge_is_good_for_ten_minutes_and_for_its_page_alone(hub: World) -> None:
    browser, device = await with_passkey(hub)
    late = device.prove(await asked(hub))
    registering = options(await browser.get("/account/factors"), "create")
    other = device.prove({"challenge": registering["challenge"]})
    made_up = device.prove({"challenge": text(b"x" * 56)})

    assert [await prove(hub, other), await prove(hub, made_up)] == [401, 401]
    later(hub, 11)
    assert await prove(hub, late) == 401


NO_CREDENTIALS = (
    *("", "{}", "[]", "null", "1", '{"id": 1}', '{"id": "!"}', "[" * 15_000),
    json.dumps({"id": "AAAA", "response": {"clientDataJSON": "AAAA"}}),
    json.dumps({"id": "AAAA", "response": None}),
)


async def test_what_is_no_credential_or_a_broken_one_is_refused(hub: World) -> None:
    _, device = await with_passkey(hub)
    for answer in NO_CREDENTIALS:
        assert await prove(hub, answer) == 401
    for member in ("authenticatorData", "clientDataJSON", "signature"):
        for broken in (None, 1, "", "!!", "AAAA", text(b"\x00" * 200), text(b"{}")):
            made = json.loads(device.prove(await asked(hub)))
            made["response"][member] = broken
            assert await prove(hub, json.dumps(made)) == 401


async def test_a_broken_registration_adds_nothing(hub: World) -> None:
    browser = await signed_in(hub, "clinic-c")
    for broken in (None, "", "AAAA", text(b"\xff" * 300), text(b"\xa0")):
        answer = json.loads(Device().register(options(await browser.get("/account/factors"), "create")))
        answer["response"]["attestationObject"] = broken

        done = await browser.post("/account/factors", {"act": "passkey", "credential": json.dumps(answer)})

        assert done.status_code == 400
    assert await hub.hub.database.reader.fetch(second_factor.select(), {}) == []


async def test_a_passkey_is_the_second_step_after_a_password(hub: World) -> None:
    _, device = await with_passkey(hub)
    browser, other = a_browser(hub), a_browser(hub)
    await browser.sign_in(NAME)
    await other.sign_in(NAME)
    page = await browser.get("/sign-in/second")
    answer = device.prove(options(page))

    elsewhere = await second(other, credential=answer)
    done = await second(browser, credential=answer)

    assert options(page)["allowCredentials"][0]["id"] == text(device.id)
    assert [elsewhere.status_code, done.status_code] == [401, 303]


async def test_somebody_elses_passkey_is_no_second_step(hub: World) -> None:
    await with_passkey(hub)
    thief = await signed_in(hub, "clinic-d")
    device = Device()
    await with_device(thief, device)
    browser = a_browser(hub)
    await browser.sign_in(NAME)

    done = await second(browser, credential=device.prove(options(await browser.get("/sign-in/second"))))

    assert done.status_code == 401


async def test_a_passkey_is_added_once_and_for_one_person(hub: World) -> None:
    browser, device = await with_passkey(hub)
    again = await with_device(browser, device)
    by_another = await with_device(await signed_in(hub, "clinic-d"), device)

    assert [again.status_code, by_another.status_code] == [400, 400]


async def test_a_disabled_account_has_no_passkey(hub: World) -> None:
    from app.access.tables import account

    _, device = await with_passkey(hub)
    async with hub.hub.database.write() as connection:
        await connection.execute(account.update().values(disabled=1), {})

    assert await prove(hub, device.prove(await asked(hub))) == 401


async def test_a_factor_is_added_without_the_password_only_just_after_the_sign_in(hub: World) -> None:
    browser, _ = await with_passkey(hub)
    later(hub, 11)
    page = await browser.get("/account/factors")
    form = {"act": "passkey", "credential": Device().register(options(page, "create"))}

    bare = await browser.post("/account/factors", form)
    wrong = await browser.post("/account/factors", form | {"present": "wrong-password-1"})
    codes = await browser.post("/account/recovery-codes", {})
    right = await browser.post("/account/factors", form | {"present": "Sapporo-2026-snow"})

    assert 'name="present"' in page.text
    assert [bare.status_code, wrong.status_code, codes.status_code, right.status_code] == [400, 400, 400, 303]


async def test_the_first_factor_brings_recovery_codes_and_a_factor_can_be_removed(hub: World) -> None:
    browser = await signed_in(hub, "clinic-c")
    page = await browser.get("/account/factors")
    secret = page.text.split('class="secret">')[1].split("</code>")[0].replace(" ", "")
    sealed = page.text.split('name="sealed" value="')[1].split('"')[0]

    wrong = await browser.post("/account/factors", {"act": "totp", "sealed": sealed, "code": "000000"})
    added = await browser.post("/account/factors", {"act": "totp", "sealed": sealed, "code": code(hub, secret)})
    key = (await hub.hub.database.reader.fetch(second_factor.select(), {}))[0][0]
    somebody = await signed_in(hub, "clinic-d")
    await somebody.post("/account/factors", {"act": "remove", "key": str(key)})
    kept = await hub.hub.database.reader.fetch(second_factor.select(), {})
    await browser.post("/account/factors", {"act": "remove", "key": str(key)})

    assert secret in wrong.text.replace(" ", "")
    assert wrong.status_code == 400
    assert added.text.count("<li><code>") == 10
    assert secret not in str(kept)
    assert len(kept) == 1
    assert await hub.hub.database.reader.fetch(second_factor.select(), {}) == []
    told = [one.description for one in await recorded(hub) if one.interaction == "account" and one.description]
    assert told[-3:] == [
        *("A second factor was added: totp", "New recovery codes were made", "A second factor was removed"),
    ]


async def test_at_a_bare_address_there_are_no_passkeys(world: World) -> None:
    page = await a_browser(world).get("/")

    assert passkeys.party(world.hub.settings)[0] == ""
    assert "data-passkey" not in page.text
