"""The page of patients' requests: entered, who asks made sure of, decided, answered, each in time and on record."""

import csv
import io

import pytest

from app.portal.dates import moment
from app.subject_rights.case import Case, due
from app.subject_rights.held import waiting_patients
from app.subject_rights.listed import MOST, listed
from app.subject_rights.tables import rights_case
from tests.identity import key_of
from tests.portal import Browser, recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

DAY = 86_400_000_000
ASKED = {
    "kind": "disclosure",
    "requester": "山田 花子",
    "relation": "parent",
    "text": "2026年3月の検査結果の写し",
}


def today(world: World) -> str:
    return moment(world.hub.clock()).date().isoformat()


async def entered(world: World, desk: Browser, **fields: str) -> str:
    """Enter a request and return its address."""
    answer = await desk.post("/rights-requests", ASKED | {"received": today(world)} | fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


async def act(desk: Browser, address: str, act: str, turn: int, **fields: str) -> int:
    answer = await desk.post(address, {"act": act, "turn": str(turn), "text": "確認済み", **fields})
    return answer.status_code


async def one(world: World) -> Case:
    (found,) = await listed(world.hub.database.reader, begins=0, ends=2**62, every=True)
    return found


async def test_a_request_goes_its_way_from_entry_to_answer(world: World) -> None:
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    desk = await signed_in(world, "secretariat", "secretariat")

    address = await entered(world, desk, patient=patient)
    assert await act(desk, address, "identify", 1, proof="my-number-card") == 303
    assert await act(desk, address, "partly", 2, text="第三者の情報を除く") == 303
    assert await act(desk, address, "answer", 3, day=today(world)) == 303

    page = (await desk.get(address)).text
    assert "マイナンバーカード" in page
    assert "一部応じる" in page
    assert "第三者の情報を除く" in page
    found = await one(world)
    assert (found.state, found.decision, found.proof, found.turn) == ("answered", "partly", "my-number-card", 4)
    told = [one for one in await recorded(world) if one.interaction == "rights-request" and one.method == "POST"]
    assert [one.description.rpartition(": ")[2] for one in told] == ["disclosure", "identify", "partly", "answer"]
    assert {one.patient for one in told} == {f"Patient/{patient}"}


async def test_nothing_is_granted_before_it_is_sure_who_asks(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk)

    for step in ("granted", "partly", "answer"):
        assert await act(desk, address, step, 1, day=today(world)) == 400

    assert (await one(world)).state == "open"


async def test_a_request_of_who_is_not_known_may_be_refused(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk)

    assert await act(desk, address, "refused", 1, text="本人と確認できない") == 303

    assert (await one(world)).decision == "refused"


async def test_a_request_is_due_after_days_of_which_the_first_does_not_count(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    await entered(world, desk)

    found = await one(world)

    assert found.due == due(found.received, 30) == found.received + 31 * DAY
    assert not found.is_overdue(found.due - 1)
    assert found.is_overdue(found.due)


async def test_the_term_is_put_off_once(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk)
    before = (await one(world)).due

    assert await act(desk, address, "extend", 1, text="量が多い") == 303
    assert await act(desk, address, "extend", 2, text="まだ多い") == 400

    assert (await one(world)).due == before + 30 * DAY


async def test_what_is_overdue_is_marked_and_comes_first(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    old = moment(world.hub.clock() - 40 * DAY).date().isoformat()
    await entered(world, desk, requester="新しい人")
    await entered(world, desk, requester="待つ人", received=old)

    page = (await desk.get("/rights-requests")).text

    assert page.count("期限超過") == 1
    assert page.index("待つ人") < page.index("新しい人")


async def test_two_people_do_not_act_on_one_state(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk)
    assert await act(desk, address, "note", 1) == 303

    answer = await desk.post(address, {"act": "withdraw", "turn": "1", "text": "取下げ"})

    assert answer.status_code == 400
    assert "別の人が先に" in answer.text
    assert (await one(world)).state == "open"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "other"),
        ("relation", ""),
        ("requester", " "),
        ("text", "x" * 2_001),
        ("received", "2999-01-01"),
        ("received", "1999-12-31"),
        ("received", "tomorrow"),
        ("patient", "nobody"),
    ],
)
async def test_what_is_missing_or_cannot_be_is_said_and_nothing_lost(world: World, field: str, value: str) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")

    answer = await desk.post("/rights-requests", ASKED | {"received": today(world), field: value})

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert ASKED["requester"] in answer.text or field == "requester"
    assert await listed(world.hub.database.reader, begins=0, ends=2**62, every=True) == []


@pytest.mark.parametrize(
    ("act_", "fields"), [("identify", {"proof": "guess"}), ("nothing", {}), ("note", {"text": ""})]
)
async def test_an_act_that_cannot_be_is_refused(world: World, act_: str, fields: dict[str, str]) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk)

    assert await act(desk, address, act_, 1, **fields) == 400

    assert (await one(world)).turn == 1


async def test_an_auditor_reads_and_enters_nothing(world: World) -> None:
    desk, auditor = (
        await signed_in(world, "secretariat", "secretariat"),
        await signed_in(world, "audit-office", "auditor"),
    )
    address = await entered(world, desk)

    assert "山田 花子" in (await auditor.get(address)).text
    assert "<textarea" not in (await auditor.get(address)).text
    assert (await auditor.post("/rights-requests", ASKED | {"received": today(world)})).status_code == 403
    assert await act(auditor, address, "note", 1) == 403


@pytest.mark.parametrize("role", ["doctor", "clerk"])
async def test_a_site_sees_no_requests(world: World, role: str) -> None:
    browser = await signed_in(world, "hospital-a", role)

    assert (await browser.get("/rights-requests")).status_code == 403
    assert (await browser.get("/rights-requests/1")).status_code == 403


async def test_a_case_that_is_not_there_is_not_found(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")

    for number in ("1", "x", "9" * 30, "9" * 19, str(2**63)):
        assert (await desk.get(f"/rights-requests/{number}")).status_code == 404


async def test_the_list_is_a_file_and_in_english(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    await entered(world, desk, requester="=cmd()")

    file = await desk.get("/rights-requests?format=csv")
    page = await desk.get("/rights-requests?lang=en")

    (line,) = csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff")))
    assert (line["requester"], line["state"], line["overdue"]) == ("'=cmd()", "open", "")
    assert "Waits for proof of who asks" in page.text


async def test_a_page_says_that_it_does_not_show_all_and_a_file_has_all(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    now = world.hub.clock()
    rows = [
        (number, "disclosure", "", f"人{number}", "self", now, now + DAY, 0, "", "open", "", "", 0, 1)
        for number in range(1, MOST + 2)
    ]
    async with world.hub.database.write() as connection:
        await connection.insert(rights_case, rows[:-1])
    whole = (await desk.get("/rights-requests")).text
    async with world.hub.database.write() as connection:
        await connection.insert(rights_case, rows[-1:])

    cut = (await desk.get("/rights-requests")).text
    file = (await desk.get(f"/rights-requests?month={today(world)[:7]}&format=csv")).text

    assert (cut.count("<tr class"), "最初の500件だけ" in cut) == (MOST, True)
    assert "件だけ" not in whole
    assert len(list(csv.DictReader(io.StringIO(file)))) == MOST + 1


async def test_a_month_shows_what_came_in_it_closed_or_not(world: World) -> None:
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk)
    assert await act(desk, address, "withdraw", 1) == 303

    assert "山田 花子" not in (await desk.get("/rights-requests")).text
    assert "山田 花子" in (await desk.get("/rights-requests?every=1")).text
    assert "山田 花子" in (await desk.get(f"/rights-requests?month={today(world)[:7]}")).text
    assert "山田 花子" not in (await desk.get("/rights-requests?month=2020-01")).text
    assert (await desk.get("/rights-requests?month=soon")).status_code == 400


async def test_a_patient_with_a_waiting_request_is_held(world: World) -> None:
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    desk = await signed_in(world, "secretariat", "secretariat")
    address = await entered(world, desk, patient=patient)

    assert await waiting_patients(world.hub.database.reader) == {await key_of(world, patient)}
    assert await act(desk, address, "withdraw", 1) == 303
    assert await waiting_patients(world.hub.database.reader) == frozenset()
