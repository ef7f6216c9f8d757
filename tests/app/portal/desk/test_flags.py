import pytest
from sqlalchemy import select

from app.audit.desk.tables import audit_flag
from app.clock import instant, row_at
from tests.desk import a_known, a_look, at, looked
from tests.portal import recorded, signed_in
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_flags_are_listed_with_their_reasons_and_closed_with_a_remark(world: World) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    found = await looked(world, a_look(world, patient, user_name="山田 花子", recorded=at(world, 2.5)))

    page = (await auditor.get("/audit/flags")).text
    closed = await auditor.post("/audit/flags", {"flag": [str(one.number) for one in found], "remark": "当直と確認"})
    open_ = (await auditor.get("/audit/flags")).text
    every = (await auditor.get("/audit/flags?state=all")).text

    assert [one.kind for one in found] == ["family-name", "out-of-hours", "first-access"]
    for words in ("閲覧した人と同じ姓の患者です。", "02:30に開かれました", "初めて開きました", "山田 花子", patient.id):
        assert words in page
    assert closed.headers["location"] == "/audit/flags?done=closed"
    assert "該当するものはありません" in open_
    assert every.count("当直と確認") == 3
    event = next(one for one in await recorded(world) if one.interaction == "audit-review")
    assert event.user == "auditor-audit-office"
    assert "当直と確認" in str(event.description)


async def test_a_flag_leads_to_its_record(world: World) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    (flag,) = await looked(world, a_look(world, patient, path="/patients/1", method="GET"))

    page = await auditor.get(f"/audit/flags/{flag.number}")

    assert page.status_code == 200
    assert "GET /patients/1" in page.text
    assert "この人は、この施設の記録を初めて開きました。" in page.text
    assert (await auditor.get("/audit/flags/1")).status_code == 404
    assert (await auditor.get("/audit/flags/x")).status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 3),
        ("?kind=out-of-hours", 1),
        ("?kind=nonsense&state=nonsense", 3),
        ("?user=tanaka", 2),
        ("?user=tanaka&kind=first-access", 1),
        ("?user=nobody", 0),
        ("?state=closed", 0),
        ("?to=2020-01-01", 0),
        ("?from=2020-01-01&to=2090-01-01", 3),
    ],
)
async def test_flags_are_filtered_also_in_the_file(world: World, query: str, count: int) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    await looked(world, a_look(world, patient, recorded=at(world, 3)), a_look(world, patient, "suzuki"))

    page = (await auditor.get(f"/audit/flags{query}")).text
    file = await auditor.get(f"/audit/flags{query}{'&' if query else '?'}format=csv")

    assert page.count('<input type="checkbox"') == count
    assert len(file.text.splitlines()) == count + 1
    assert file.headers["content-type"] == "text/csv; charset=utf-8"


async def test_one_patient_is_asked_for(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    one, other = await a_known(world), await a_known(world, "hospital-b")
    await looked(world, a_look(world, one), a_look(world, other))

    page = (await auditor.get(f"/audit/flags?patient={one.id}")).text

    assert page.count('<input type="checkbox"') == 1
    assert other.id not in page


async def test_of_a_time_only_flags_that_were_made_since_are_looked_at(world: World) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    (flag,) = await looked(world, a_look(world, patient))
    reader = world.hub.database.reader
    ((*_, number),) = [row[::-1] for row in await reader.fetch(select(audit_flag), {})]
    async with world.hub.database.write() as connection:
        older = audit_flag.update().where(audit_flag.c.number == number).values(number=row_at(at(world, 0, days_ago=2)))
        await connection.execute(older, {})

    pages = [(await auditor.get(f"/audit/flags{asked}")).text for asked in ("", f"?from={instant(flag.recorded)[:10]}")]

    assert [page.count('<input type="checkbox"') for page in pages] == [1, 0]


async def test_flags_are_closed_in_one_order(world: World) -> None:
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    found = await looked(world, *(a_look(world, patient, f"u{number}") for number in range(3)))
    numbers = [str(one.number) for one in found]

    await auditor.post("/audit/flags", {"flag": [numbers[2], numbers[0], numbers[1], numbers[0]], "remark": "a"})

    assert f"Flags closed: {', '.join(numbers)}: a" in str((await recorded(world))[-1].description)
    assert "+09:00" in (await auditor.get("/audit/flags?state=all&format=csv")).text


async def test_flags_come_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.portal.desk.flags.ENTRIES", 2)
    auditor, patient = await signed_in(world, "audit-office", "auditor"), await a_known(world)
    await looked(world, *(a_look(world, patient, f"user{number}") for number in range(3)))

    first = (await auditor.get("/audit/flags")).text
    older = first.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = (await auditor.get(older)).text

    assert ("user2" in first, "user1" in first, "user=user0" in first) == (True, True, False)
    assert ("user=user0" in second, "user=user1" in second) == (True, False)


@pytest.mark.parametrize(
    ("form", "status", "words"),
    [
        ({"remark": "a"}, 400, "選んでください"),
        ({"flag": "1", "remark": ""}, 400, "結果を1000文字以内"),
        ({"flag": "1", "remark": "a"}, 409, "ほかの人が先に"),
        ({"flag": "x", "remark": "a"}, 409, "ほかの人が先に"),
    ],
)
async def test_what_cannot_be_closed_is_said(world: World, form: dict[str, str], status: int, words: str) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")

    answer = await auditor.post("/audit/flags", form)

    assert answer.status_code == status
    assert words in answer.text
