import re
from typing import Any

import pytest

from app.audit.desk.reviews import sign
from app.audit.desk.tables import audit_review
from app.clock import DAY
from app.identity.tables import person_patient
from tests.desk import a_known, a_look, looked
from tests.portal import Browser, recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.audit.desk.reviews.OVERLAP", 0)


async def saved(world: World, auditor: Browser, question: str = "outcome=failures", title: str = "失敗の確認") -> str:
    answer = await auditor.post("/audit/reviews", {"title": title, "question": question, "every": "weekly"})
    assert answer.status_code == 303, answer.text
    await looked(world)
    return answer.headers["location"].partition("?")[0]


def fields(page: str) -> dict[str, str]:
    return {name: re.search(rf'name="{name}" value="(\d+)"', page)[1] for name in ("since", "until")}  # type: ignore[index]


async def test_a_question_is_saved_reviewed_and_signed(world: World) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    asked = await auditor.get("/audit?outcome=failures&site=hospital-a")
    assert 'value="site=hospital-a&amp;outcome=failures"' in asked.text
    address = await saved(world, auditor, "site=hospital-a&outcome=failures")
    await looked(world, a_look(world, patient, "nosy", outcome="4"), a_look(world, patient, "other"))

    page = (await auditor.get(address)).text
    signed = await auditor.post(address, {"act": "sign", "remark": "一件、担当外と確認", **fields(page)})
    after = (await auditor.get(address)).text

    assert "/audit?user=nosy" in page
    assert "/audit?user=other" not in page
    assert signed.headers["location"] == f"{address}?done=signed"
    assert "一件、担当外と確認" in after
    assert "/audit?user=nosy" not in after
    assert "一件、担当外と確認" in (await auditor.get("/audit/reviews?format=csv")).text
    assert [one.interaction for one in await recorded(world)][-5:].count("audit-log-used") == 3


async def test_what_was_not_looked_through_yet_cannot_be_signed_for(world: World) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    await world.hub.leader.integrate_all()
    answer = await auditor.post("/audit/reviews", {"title": "a", "question": "", "every": "weekly"})
    address = answer.headers["location"]

    before = (await auditor.get(address)).text
    await looked(world, a_look(world, patient))
    after = (await auditor.get(address)).text

    assert ("まだ調べ終えていません" in before, 'name="until"' in before) == (True, False)
    assert ("まだ調べ終えていません" in after, 'name="until"' in after) == (False, True)


async def test_a_review_that_the_hub_is_behind_with_is_ended(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    answer = await auditor.post("/audit/reviews", {"title": "a", "question": "", "every": "weekly"})
    address = answer.headers["location"].partition("?")[0]

    page = (await auditor.get(address)).text
    ended = await auditor.post(address, {"act": "end", "remark": "統合した"})
    after = (await auditor.get(address)).text

    assert ['value="sign"' in page, 'value="end"' in page, 'value="end"' in after] == [False, True, False]
    assert ended.headers["location"] == "/audit/reviews?done=ended"


async def test_who_is_told_that_another_has_signed_sees_how_it_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    address = await saved(world, auditor)
    read = fields((await auditor.get(address)).text)
    await looked(world)

    async def second(*arguments: Any, **named: Any) -> None:
        # The first signs after the second one's request has read the review.
        await sign(*arguments, **named | {"remark": "先に署名した"})
        await sign(*arguments, **named)

    monkeypatch.setattr("app.portal.desk.reviews.sign", second)
    answer = await auditor.post(address, {"act": "sign", "remark": "a", **read})

    assert answer.status_code == 409
    assert "先に署名した" in answer.text
    assert fields(answer.text)["since"] == read["until"]


async def test_a_review_of_a_person_shows_the_flags_of_all_the_persons_patients(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    here, there, other = await a_known(world), await a_known(world, "hospital-b"), await a_known(world)
    async with world.hub.database.write() as connection:
        update = person_patient.update().where(person_patient.c.patient_key == there.key).values(person=here.key)
        await connection.execute(update, {})
    address = await saved(world, auditor, f"patient={here.id}&whole=1")
    now = world.hub.clock()
    await looked(world, *(a_look(world, one, f"u{n}", recorded=now) for n, one in enumerate((here, there, other))))

    page = (await auditor.get(address)).text

    assert [f"/audit/flags?state=all&amp;user=u{n}" in page for n in range(3)] == [True, True, False]


async def test_a_review_that_is_overdue_comes_first_and_is_counted(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    late = await saved(world, auditor, title="遅れている")
    await saved(world, auditor, title="まだ先")
    number = int(late.rpartition("/")[2])
    async with world.hub.database.write() as connection:
        made = audit_review.update().where(audit_review.c.number == number)
        await connection.execute(made.values(made=world.hub.clock() - 20 * DAY), {})

    page = (await auditor.get("/audit/reviews")).text

    assert page.index("遅れている") < page.index("まだ先")
    assert "期限切れ：7日以内に署名がありません" in page
    assert '<b class="unread" aria-label="1件が待っています">1</b>' in (await auditor.get("/audit")).text


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"remark": ""}, 400, "所見を1000文字以内"),
        ({"remark": "a", "since": "1"}, 409, "ほかの人が先に"),
        ({"remark": "a", "until": "1"}, 400, "画面が古く"),
        ({"remark": "a", "until": "x"}, 400, "画面が古く"),
        ({"remark": "", "act": "end"}, 400, "所見を1000文字以内"),
    ],
)
async def test_what_cannot_be_signed_is_said(world: World, form: dict[str, str], status: int, words: str) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    address = await saved(world, auditor)
    page = (await auditor.get(address)).text

    answer = await auditor.post(address, {"act": "sign", **fields(page), **form})

    assert answer.status_code == status
    assert words in answer.text


async def test_a_review_is_ended_and_named(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    address = await saved(world, auditor)

    ended = await auditor.post(address, {"act": "end", "remark": "統合した"})
    nameless = await auditor.post("/audit/reviews", {"title": "", "question": "", "every": "weekly"})
    never = await auditor.post("/audit/reviews", {"title": "a", "question": "", "every": "daily"})
    unknown = await auditor.get("/audit/reviews/1")

    assert ended.headers["location"] == "/audit/reviews?done=ended"
    assert (await auditor.post(address, {"act": "end", "remark": "a"})).status_code == 409
    assert "終了 1" in (await auditor.get("/audit/reviews?lang=ja")).text
    assert (nameless.status_code, never.status_code, unknown.status_code) == (400, 400, 404)


@pytest.mark.parametrize("role", ["doctor", "secretariat", "operator", "patient"])
async def test_nobody_but_an_auditor_reviews(world: World, role: str) -> None:
    browser = await signed_in(world, "clinic-c", role)

    for address in ("/audit/reviews", "/audit/reviews/1", "/audit/flags", "/audit/flags/1", "/audit/state"):
        assert (await browser.get(address)).status_code == 403
    for address in ("/audit/reviews", "/audit/reviews/1", "/audit/flags"):
        assert (await browser.post(address, {})).status_code == 403
