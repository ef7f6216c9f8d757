"""Who may: nurses and pharmacists only where the setting says so and the head of their site has let them."""

import pytest

from app.settings import Settings
from tests.glass import a_known_person, break_glass, reads
from tests.portal import a_browser, an_account, signed_in
from tests.world import running

pytestmark = pytest.mark.anyio


async def test_a_nurse_needs_the_setting_and_a_right_from_the_head(settings: Settings) -> None:
    async with running(settings.model_copy(update={"break_glass_roles": "doctor, nurse"})) as world:
        known = await a_known_person(world)
        nurse, head = await signed_in(world, "clinic-c", "nurse"), a_browser(world)
        await head.sign_in(await an_account(world, "clinic-c", "clerk", name="head-c", head=True))
        before = await break_glass(nurse, known.here)
        given = await head.post("/accounts/nurse-clinic-c", {"act": "glass-give"})
        after = await break_glass(nurse, known.here)
        opened = await reads(nurse, known.ordinary)
        await head.post("/accounts/nurse-clinic-c", {"act": "glass-take"})

        assert [before.status_code, given.status_code, after.status_code] == [403, 303, 303]
        assert opened == [200]
        assert (await break_glass(nurse, known.here)).status_code == 403


async def test_a_right_is_for_those_who_need_one_and_from_the_head_alone(settings: Settings) -> None:
    async with running(settings.model_copy(update={"break_glass_roles": "doctor,nurse"})) as world:
        await an_account(world, "clinic-c", "nurse")
        await an_account(world, "clinic-c", "doctor", name="dr-two")
        head, clerk = a_browser(world), await signed_in(world, "clinic-c", "clerk")
        await head.sign_in(await an_account(world, "clinic-c", "nurse", name="head-c", head=True))

        answers = [
            await clerk.post("/accounts/nurse-clinic-c", {"act": "glass-give"}),
            await head.post("/accounts/dr-two", {"act": "glass-give"}),
            await head.post("/accounts/head-c", {"act": "glass-give"}),
        ]

        assert [one.status_code for one in answers] == [403, 400, 403]


async def test_labels_are_shown_where_the_region_says_so(settings: Settings) -> None:
    async with running(settings.model_copy(update={"break_glass_labels": "shown"})) as world:
        known = await a_known_person(world)
        browser = await signed_in(world, "clinic-c")

        await break_glass(browser, known.here)

        assert await reads(browser, known.ordinary, known.sensitive, known.undelivered) == [200, 200, 404]


@pytest.mark.parametrize("roles", ["clerk", "doctor,operator"])
def test_only_those_who_care_for_patients_can_be_named(roles: str) -> None:
    with pytest.raises(ValueError, match="break_glass_roles"):
        Settings(break_glass_roles=roles)
