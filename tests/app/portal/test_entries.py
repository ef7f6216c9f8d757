"""記録確定: what is entered is shown once more before it counts; 代行入力 is approved by whom it was entered for."""

import re

import pytest

from app.entries.entry import Entry
from app.entries.tables import entry
from tests.glass import a_known_person, break_glass, case_of
from tests.identity import at, someone
from tests.portal import SAME_SITE, Browser, a_browser, an_account, recorded, shown_once_more, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

PERMIT = {"effect": "permit", "receiver_all": "some", "receiver": "clinic-c"}


async def a_desk(world: World) -> tuple[Browser, str]:
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    return await signed_in(world, "hospital-a", "clerk"), patient


async def kept(world: World) -> list[Entry]:
    rows = await world.hub.database.reader.fetch(entry.select().order_by(entry.c.number), {})
    return [Entry(*row) for row in rows]


async def consents(world: World, patient: str) -> int:
    return await world.total(await world.client("hospital-a"), f"Consent?patient={patient}")


async def test_a_consent_is_shown_once_more_and_does_not_count_yet(world: World) -> None:
    desk, patient = await a_desk(world)

    page = await desk.post("/consents", {"patient": patient, **PERMIT}, confirm=False)

    assert page.status_code == 200
    assert "入力内容の確定" in page.text
    assert "山田 太郎" in page.text
    assert "clinic-c" in page.text
    assert "clerk of hospital-a" in page.text
    assert (await consents(world, patient), await kept(world)) == (0, [])


async def test_confirmed_it_counts_and_the_entry_names_its_version(world: World) -> None:
    desk, patient = await a_desk(world)

    assert (await desk.post("/consents", {"patient": patient, **PERMIT})).status_code == 303

    (one,) = await kept(world)
    assert (one.kind, one.state, one.by, one.for_whom) == ("consent", "confirmed", "clerk-hospital-a", "")
    assert re.fullmatch(r"Consent/\w+/_history/1", one.about)
    assert one.patient == patient
    assert "clinic-c" in one.words
    assert "山田" not in one.words
    assert await consents(world, patient) == 1


@pytest.mark.parametrize("change", [{"receiver": "clinic-d"}, {"effect": "deny"}, {"shown": "0" * 64}])
async def test_what_counts_is_what_was_shown(world: World, change: dict[str, str]) -> None:
    desk, patient = await a_desk(world)
    form = {"csrf": await desk.token(), "patient": patient, **PERMIT}
    seal = shown_once_more(await desk.http.post("/consents", data=form, headers=SAME_SITE))

    answer = await desk.http.post("/consents", data={**form, "shown": seal, **change}, headers=SAME_SITE)

    assert answer.status_code == 200
    assert shown_once_more(answer)
    assert await consents(world, patient) == 0


async def test_a_seal_of_another_session_is_none(world: World) -> None:
    desk, patient = await a_desk(world)
    other = a_browser(world)
    await other.sign_in(await an_account(world, "hospital-a", "clerk", name="clerk-2"))
    seal = shown_once_more(await other.post("/consents", {"patient": patient, **PERMIT}, confirm=False))

    answer = await desk.post("/consents", {"patient": patient, **PERMIT, "shown": seal}, confirm=False)

    assert answer.status_code == 200
    assert await consents(world, patient) == 0


async def test_a_withdrawal_is_shown_once_more_too(world: World) -> None:
    desk, patient = await a_desk(world)
    await desk.post("/consents", {"patient": patient, **PERMIT})
    consent = re.findall(r'name="withdraw" value="(\w+)"', (await desk.get(f"/consents?patient={patient}")).text)[0]
    form = {"patient": patient, "withdraw": consent}

    page = await desk.post("/consents", form, confirm=False)
    assert "同意の撤回" in page.text
    assert (await desk.post("/consents", form)).status_code == 303

    last = (await kept(world))[-1]
    assert (last.kind, last.about) == ("consent-withdrawal", f"Consent/{consent}/_history/2")


async def for_doctor(world: World) -> tuple[Browser, Browser, str]:
    """A consent that a clerk entered for a doctor, who is signed in as well."""
    desk, patient = await a_desk(world)
    doctor = await signed_in(world, "hospital-a", "doctor")
    form = {"patient": patient, **PERMIT, "responsible": "doctor-hospital-a"}
    assert (await desk.post("/consents", form)).status_code == 303
    return desk, doctor, patient


async def test_what_is_entered_for_somebody_counts_and_waits_for_that_persons_word(world: World) -> None:
    desk, doctor, patient = await for_doctor(world)

    (one,) = await kept(world)
    assert (one.state, one.by, one.for_whom) == ("waits", "clerk-hospital-a", "doctor-hospital-a")
    assert await consents(world, patient) == 1
    assert "承認する" in (await doctor.get("/entries")).text
    assert "承認する" not in (await desk.get("/entries")).text
    assert "承認待ち" in (await desk.get("/entries")).text


@pytest.mark.parametrize(("act", "state"), [("approve", "approved"), ("decline", "declined")])
async def test_the_responsible_person_approves_or_declines(world: World, act: str, state: str) -> None:
    _, doctor, patient = await for_doctor(world)
    (before,) = await kept(world)

    answer = await doctor.post("/entries", {"entry": str(before.number), "act": act, "remark": "確認した"})

    assert answer.status_code == 303
    (one,) = await kept(world)
    assert (one.state, one.remark, one.decided > one.at) == (state, "確認した", True)
    assert await consents(world, patient) == 1
    entered, told = [one for one in await recorded(world) if one.interaction == "entry" and one.method == "POST"]
    assert (entered.user, entered.path) == ("clerk-hospital-a", "/consents")
    assert entered.description.endswith(f"{before.about}: entered for doctor-hospital-a")
    assert (told.user, told.description.rpartition(": ")[2]) == ("doctor-hospital-a", state)
    assert {one.patient for one in (entered, told)} == {f"Patient/{patient}"}


async def test_what_is_entered_for_oneself_has_no_record_but_that_of_the_consent(world: World) -> None:
    desk, patient = await a_desk(world)
    await desk.post("/consents", {"patient": patient, **PERMIT})

    assert [one for one in await recorded(world) if one.interaction == "entry" and one.method == "POST"] == []


async def sealed(desk: Browser, address: str, form: dict[str, str]) -> dict[str, str]:
    """Return a form with the seal of what was shown of it."""
    sent = {"csrf": await desk.token(), **form}
    seal = shown_once_more(await desk.http.post(address, data=sent, headers=SAME_SITE))
    assert seal
    return {**sent, "shown": seal}


async def test_a_consent_that_was_changed_after_it_was_shown_is_shown_anew(world: World) -> None:
    desk, patient = await a_desk(world)
    await desk.post("/consents", {"patient": patient, **PERMIT})
    owner = await world.client("hospital-a")
    bundle = (await world.http.get(f"/fhir/Consent?patient={patient}", headers=owner)).json()
    consent = bundle["entry"][0]["resource"]
    sent = await sealed(desk, "/consents", {"patient": patient, "withdraw": consent["id"]})
    consent["provision"]["period"] = {"end": "2099-12-31"}
    changed = await world.http.put(f"/fhir/Consent/{consent['id']}", headers=owner, json=consent)
    assert changed.status_code == 200, changed.text

    answer = await desk.http.post("/consents", data=sent, headers=SAME_SITE)

    assert answer.status_code == 200
    assert "2099-12-31" in answer.text
    now = (await world.http.get(f"/fhir/Consent/{consent['id']}", headers=owner)).json()
    assert now["status"] == "active"
    again = {**sent, "shown": shown_once_more(answer)}
    assert (await desk.http.post("/consents", data=again, headers=SAME_SITE)).status_code == 303


async def test_patients_that_were_changed_after_they_were_shown_are_shown_anew(world: World) -> None:
    one = await at(world, "hospital-a", someone())
    other = await at(world, "clinic-c", someone("高橋 喜一郎", "タカハシ キイチロウ", phone="090-1111-2222"))
    office = await signed_in(world, "secretariat", "secretariat")
    form = {"one": one, "other": other, "act": "link", "reason": "同じ保険証"}
    sent = await sealed(office, "/identity", form)
    renamed = {**someone("佐藤 次郎", "サトウ ジロウ"), "id": other}
    put = await world.http.put(f"/fhir/Patient/{other}", headers=await world.client("clinic-c"), json=renamed)
    assert put.status_code == 200, put.text

    answer = await office.http.post("/identity", data=sent, headers=SAME_SITE)

    assert answer.status_code == 200
    assert "佐藤 次郎" in answer.text
    assert await kept(world) == []


async def test_nobody_else_approves(world: World) -> None:
    desk, _, _ = await for_doctor(world)
    (one,) = await kept(world)
    stranger = await signed_in(world, "clinic-c", "doctor")
    auditor = await signed_in(world, "audit-office", "auditor")
    form = {"entry": str(one.number), "act": "approve"}

    assert (await desk.post("/entries", form)).status_code == 403
    assert (await stranger.post("/entries", form)).status_code == 404
    assert (await auditor.post("/entries", form)).status_code == 403
    assert (await kept(world))[0].state == "waits"


@pytest.mark.parametrize(
    "form", [{"act": "decline", "remark": " "}, {"act": "perhaps"}, {"act": "approve", "remark": "x" * 501}]
)
async def test_a_word_that_cannot_be_is_refused(world: World, form: dict[str, str]) -> None:
    _, doctor, _ = await for_doctor(world)
    (one,) = await kept(world)

    answer = await doctor.post("/entries", {"entry": str(one.number), **form})

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


async def test_an_entry_is_decided_once(world: World) -> None:
    _, doctor, _ = await for_doctor(world)
    (one,) = await kept(world)
    form = {"entry": str(one.number), "act": "approve"}
    await doctor.post("/entries", form)

    assert (await doctor.post("/entries", form)).status_code == 400


async def test_nothing_is_entered_for_who_may_not_enter_it(world: World) -> None:
    desk, patient = await a_desk(world)
    await an_account(world, "clinic-c", "doctor")

    answer = await desk.post("/consents", {"patient": patient, **PERMIT, "responsible": "doctor-clinic-c"})

    assert answer.status_code == 400
    assert (await consents(world, patient), await kept(world)) == (0, [])


async def test_a_head_sees_the_entries_of_the_site_and_an_auditor_all_without_names(world: World) -> None:
    await for_doctor(world)
    head = a_browser(world)
    await head.sign_in(await an_account(world, "hospital-a", "doctor", name="head-a", head=True))
    auditor = await signed_in(world, "audit-office", "auditor")

    for browser in (head, auditor):
        page = (await browser.get("/entries?lang=en")).text
        assert "Waits for approval" in page
        assert "山田" not in page


async def test_a_link_of_patients_is_shown_once_more_and_kept(world: World) -> None:
    one = await at(world, "hospital-a", someone())
    other = await at(world, "clinic-c", someone("高橋 喜一郎", "タカハシ キイチロウ", phone="090-1111-2222"))
    office = await signed_in(world, "secretariat", "secretariat")
    form = {"one": one, "other": other, "act": "link", "reason": "同じ保険証"}

    page = await office.post("/identity", form, confirm=False)
    assert "髙橋 喜一郎" in page.text
    assert await kept(world) == []
    assert (await office.post("/identity", form)).status_code == 303

    (made,) = await kept(world)
    assert (made.kind, made.about) == ("identity", f"Patient/{one} Patient/{other}")
    assert "同じ保険証" in made.words


async def test_a_verdict_on_break_glass_is_shown_once_more_and_kept(world: World) -> None:
    known = await a_known_person(world)
    doctor = await signed_in(world, "clinic-c")
    await break_glass(doctor, known.here)
    address = f"/break-glass/cases/{await case_of(doctor)}"
    head = a_browser(world)
    await head.sign_in(await an_account(world, "hospital-a", "clerk", name="head-a", head=True))
    form = {"site": "1", "act": "justified", "remark": "経過を確認した"}

    page = await head.post(address, form, confirm=False)
    assert "緊急開示の判定" in page.text
    assert await kept(world) == []
    assert (await head.post(address, form)).status_code == 303

    (made,) = await kept(world)
    assert (made.kind, made.about) == ("break-glass-review", f"case {address.rpartition('/')[2]}")
