"""The review of a case: the disclosing site's head and the secretariat close it, nobody the own."""

import pytest

from tests.glass import Known, a_known_person, break_glass, case_of, reads
from tests.people import later
from tests.portal import PASSWORD, Browser, a_browser, an_account, recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


async def a_head(world: World, site: str, role: str = "clerk") -> Browser:
    browser = a_browser(world)
    await browser.sign_in(await an_account(world, site, role, name=f"head-{site}", head=True), PASSWORD)
    return browser


async def a_case(world: World) -> tuple[Browser, Known, str]:
    known = await a_known_person(world)
    browser = await signed_in(world, "clinic-c")
    await break_glass(browser, known.here)
    return browser, known, await case_of(browser)


async def say(browser: Browser, number: str, act: str, remark: str = "経過を確認した", site: str = "1") -> int:
    form = {"site": site, "act": act, "remark": remark}
    return (await browser.post(f"/break-glass/cases/{number}", form)).status_code


async def test_the_head_of_the_disclosing_site_sees_what_was_read_and_gives_a_verdict(world: World) -> None:
    doctor, known, number = await a_case(world)
    await reads(doctor, known.ordinary)
    head = await a_head(world, "hospital-a")
    await world.hub.leader.integrate_all()

    case = await head.get(f"/break-glass/cases/{number}")
    closed = await say(head, number, "justified")
    again = await say(head, number, "not-justified")

    assert "doctor of clinic-c" in case.text
    assert f"Observation/{known.ordinary}" in case.text
    assert [closed, again] == [303, 403]
    assert "妥当" in (await head.get("/break-glass/cases")).text
    assert (await recorded(world))[-1].interaction != "break-glass"


async def test_a_question_goes_back_to_who_broke_the_glass(world: World) -> None:
    doctor, _, number = await a_case(world)
    head = await a_head(world, "hospital-a")

    steps = [
        await say(doctor, number, "answer"),
        await say(head, number, "ask", "家族には連絡しましたか"),
        await say(doctor, number, "answer", "連絡がつかなかった"),
        await say(head, number, "not-justified", "連絡先は記録にあった"),
    ]

    assert steps == [403, 303, 303, 303]
    case = await doctor.get(f"/break-glass/cases/{number}")
    assert all(text in case.text for text in ("家族には連絡しましたか", "連絡がつかなかった", "不当と判定"))


async def test_nobody_reviews_the_own_case_and_no_stranger_sees_one(world: World) -> None:
    known = await a_known_person(world)
    own = a_browser(world)
    await own.sign_in(await an_account(world, "clinic-c", "doctor", name="dr-head", head=True))
    await break_glass(own, known.here)
    number = await case_of(own)
    stranger, colleague = await a_head(world, "hospital-b"), await signed_in(world, "hospital-a", "doctor")
    auditor = await signed_in(world, "audit-office", "auditor")

    said = [await say(one, number, "justified") for one in (own, stranger, colleague, auditor)]

    assert said == [403, 404, 404, 403]
    assert (await auditor.get(f"/break-glass/cases/{number}")).status_code == 200


async def test_the_secretariat_closes_what_is_overdue(world: World) -> None:
    _, _, number = await a_case(world)
    later(world, 8 * 24 * 60)
    office = await signed_in(world, "secretariat", "secretariat")

    waiting = await office.get("/break-glass/cases")
    closed = await say(office, number, "justified")

    assert "7日を過ぎています" in waiting.text
    assert closed == 303
    assert "7日を過ぎています" not in (await office.get("/break-glass/cases")).text


async def test_a_remark_is_needed_and_bounded(world: World) -> None:
    _, _, number = await a_case(world)
    office = await signed_in(world, "secretariat", "secretariat")

    refused = [await say(office, number, "justified", remark) for remark in ("", "あ" * 1001)]

    assert [*refused, await say(office, number, "praise")] == [400, 400, 400]
    assert await say(office, number, "justified", site="77") == 404


async def test_the_list_of_a_month_is_a_file(world: World) -> None:
    await a_case(world)
    office = await signed_in(world, "secretariat", "secretariat")

    file = await office.get("/break-glass/cases?month=2099-01&format=csv")
    all_ = await office.get("/break-glass/cases?format=csv")

    assert len(file.text.splitlines()) == 1
    lines = all_.text.splitlines()
    assert lines[0].removeprefix("\ufeff").startswith("case,begun,until,person,name,role,organisation,patient,code")
    assert [line.split(",")[-5:-1] for line in lines[1:]] != []
    assert (await office.get("/break-glass/cases?month=2026-13")).status_code == 400
