import pytest

from tests.portal import a_browser, recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def test_the_auditor_sees_who_saw_whom(world: World) -> None:
    patient = (await world.post(await world.client("clinic-c"), a_patient()))["id"]
    doctor, auditor = await signed_in(world, "clinic-c"), await signed_in(world, "audit-office", "auditor")
    await doctor.get(f"/patients/{patient}")
    await world.hub.leader.integrate_all()

    page = await auditor.get("/audit", params={"patient": patient})

    assert page.status_code == 200
    assert "doctor of clinic-c" in page.text
    assert f"GET /patients/{patient}" in page.text
    assert "診療" in page.text
    assert "山田" not in page.text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"user": "doctor-clinic-c"}, {"doctor-clinic-c"}),
        ({"user": "nobody"}, set()),
        ({"site": "clinic-d"}, {"doctor-clinic-d"}),
        ({"site": "nowhere", "user": "doctor-clinic-d"}, {"doctor-clinic-d"}),
        ({"to": "2020-01-01"}, set()),
        ({"from": "2020-01-01", "to": "2098-01-01", "user": "doctor-clinic-d"}, {"doctor-clinic-d"}),
        ({"from": "not a day", "user": "doctor-clinic-d"}, {"doctor-clinic-d"}),
        ({}, {"doctor-clinic-c", "doctor-clinic-d"}),
    ],
)
async def test_the_log_is_filtered(world: World, query: dict[str, str], found: set[str]) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    for site in ("clinic-c", "clinic-d"):
        await (await signed_in(world, site)).get("/patients?q=none")
    await world.hub.leader.integrate_all()

    page = (await auditor.get("/audit", params=query)).text

    assert {name for name in ("doctor-clinic-c", "doctor-clinic-d") if f"/audit?user={name}" in page} == found


async def test_older_records_are_on_further_pages(world: World) -> None:
    auditor, doctor = await signed_in(world, "audit-office", "auditor"), await signed_in(world, "clinic-c")
    for number in range(60):
        await doctor.get(f"/patients?q=number{number:03}")

    first = await auditor.get("/audit")
    older = first.text.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await auditor.get(older)

    assert first.text.count("<tr class") == 50
    assert 12 <= second.text.count("<tr class") <= 13
    assert "最新に戻る" in second.text
    assert "さらに古い記録" not in second.text


async def test_the_page_shows_the_tree_and_its_checkpoint(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    await world.hub.leader.integrate_all()

    page = await auditor.get("/audit")

    assert "1件" in page.text
    assert world.hub.settings.audit_origin in page.text


async def test_the_auditors_own_look_is_recorded(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")

    await auditor.get("/audit?user=doctor-clinic-c")

    event = (await recorded(world))[-1]
    assert (event.interaction, event.user, event.query) == (
        "audit-log-used",
        "auditor-audit-office",
        "user=doctor-clinic-c",
    )


@pytest.mark.parametrize("role", ["doctor", "nurse", "pharmacist", "clerk", "secretariat", "operator", "patient"])
async def test_nobody_but_an_auditor_opens_it(world: World, role: str) -> None:
    browser = await signed_in(world, "clinic-c", role)

    page = await browser.get("/audit")

    event = (await recorded(world))[-1]
    assert page.status_code == 403
    assert (event.outcome, event.user) == ("4", f"{role}-clinic-c")


@pytest.mark.parametrize("address", ["/patients", "/patients/x", "/consents", "/documents/Composition/x"])
async def test_an_auditor_opens_nothing_else(world: World, address: str) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")

    assert (await auditor.get(address)).status_code == 403


async def test_a_call_without_a_person_is_in_the_log(world: World) -> None:
    answer = await a_browser(world).get("/patients?q=%E5%B1%B1")

    event = (await recorded(world))[-1]
    assert answer.headers["location"] == "/?next=%2Fpatients%3Fq%3D%25E5%25B1%25B1"
    assert (event.interaction, event.path, event.user) == ("refused", "/patients", None)


async def test_the_log_is_a_file_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    await (await signed_in(world, "clinic-c")).get("/patients?q=none")
    await world.hub.leader.integrate_all()

    file = await auditor.get("/audit?user=doctor-clinic-c&format=csv")
    monkeypatch.setattr("app.portal.audit.MOST_IN_FILE", 1)
    too_many = await auditor.get("/audit?format=csv")

    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "doctor-clinic-c" in file.text
    assert "q=none" not in file.text
    assert too_many.status_code == 400
    assert "ファイルが不完全" in too_many.text


async def test_events_of_connected_systems_are_shown_apart(world: World) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")
    event = {
        "resourceType": "AuditEvent",
        "type": {"code": "rest"},
        "recorded": "2026-04-01T09:00:00Z",
        "agent": [{"who": {"identifier": {"value": "dr-sato"}}, "requestor": True}],
        "source": {"observer": {"display": "EHR"}},
    }
    sent = await world.http.post("/atna/fhir/AuditEvent", headers=await world.client("hospital-a"), json=event)
    assert sent.status_code == 201, sent.text

    own, others = (await auditor.get("/audit")).text, (await auditor.get("/audit?source=others")).text

    assert ("dr-sato" in own, "dr-sato" in others) == (False, True)
    assert "hospital-a/hospital-a-system" in others


@pytest.mark.parametrize("field", ["user=doctor-clinic-c", "patient=x", "site=clinic-c", "user=a&outcome=failures"])
async def test_a_time_without_records_is_an_empty_page(world: World, field: str) -> None:
    auditor = await signed_in(world, "audit-office", "auditor")

    answers = [await auditor.get(f"/audit?{field}&{time}") for time in ("to=2020-12-31", "from=2999-01-01")]

    assert [one.status_code for one in answers] == [200, 200]
