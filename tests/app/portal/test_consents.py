from base64 import b64decode
from typing import Any

import pytest

from app.portal.consents import withdrawn
from fhir.errors import NotFound
from tests.portal import SAME_SITE, Browser, recorded, shown_once_more, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

PERMIT = {"effect": "permit"}


async def the_consent(world: World, patient: str) -> dict[str, Any]:
    """Return the only Consent of a patient of hospital-a."""
    headers = await world.client("hospital-a")
    found = (await world.http.get(f"/fhir/Consent?patient={patient}", headers=headers)).json()
    assert found["total"] == 1
    return dict(found["entry"][0]["resource"])


async def a_desk(world: World) -> tuple[Browser, str]:
    """Return a clerk of a hospital at a browser, and a patient of the hospital."""
    patient = (await world.post(await world.client("hospital-a"), a_patient()))["id"]
    return await signed_in(world, "hospital-a", "clerk"), patient


async def test_the_form_becomes_a_consent(world: World) -> None:
    desk, patient = await a_desk(world)
    form = {
        "patient": patient,
        "effect": "permit",
        "discloser_all": "some",
        "discloser": ["hospital-a"],
        "receiver_all": "some",
        "receiver": ["clinic-c", "clinic-d", "nowhere"],
        "category_all": "some",
        "category": ["identity", "laboratory"],
        "label": ["PSY", "nothing"],
        "start": "2020-01-01",
        "end": "2099-12-31",
        "proxy": " 山田 花子 ",
        "relation": "長女",
    }

    answer = await desk.post("/consents", form)

    consent = await the_consent(world, patient)
    assert answer.headers["location"] == f"/consents?patient={patient}&done=recorded"
    assert consent["status"] == "active"
    assert consent["patient"] == {"reference": f"Patient/{patient}"}
    assert consent["organization"] == [{"reference": "Organization/hospital-a"}]
    proxy = {"reference": "#proxy", "type": "RelatedPerson", "display": "山田 花子（長女）"}
    assert consent["performer"] == [proxy]
    assert consent["contained"][0]["relationship"] == [{"text": "長女"}]
    assert consent["policyRule"]["coding"][0]["code"] == "OPTIN"
    provision = consent["provision"]
    assert provision["type"] == "permit"
    assert provision["period"] == {"start": "2020-01-01", "end": "2099-12-31"}
    assert [(one["role"]["coding"][0]["code"], one["reference"]["reference"]) for one in provision["actor"]] == [
        ("CST", "Organization/hospital-a"),
        ("IRCP", "Organization/clinic-c"),
        ("IRCP", "Organization/clinic-d"),
    ]
    assert [one["code"] for one in provision["class"]] == ["identity", "laboratory"]
    assert [one["code"] for one in provision["securityLabel"]] == ["N", "PSY"]


async def test_the_shortest_form_speaks_of_everything(world: World) -> None:
    desk, patient = await a_desk(world)

    await desk.post("/consents", {"patient": patient, **PERMIT})

    consent = await the_consent(world, patient)
    assert consent["provision"] == {"type": "permit"}
    assert consent["performer"] == [{"reference": f"Patient/{patient}"}]


async def test_an_exclusion_closes_and_leaves_the_rest_open(world: World) -> None:
    desk, patient = await a_desk(world)
    await world.post(await world.client("hospital-a"), an_observation(patient))
    clinics = [await signed_in(world, "clinic-c"), await signed_in(world, "clinic-d")]
    await desk.post("/consents", {"patient": patient, **PERMIT})
    form = {"patient": patient, "effect": "deny", "receiver_all": "some", "receiver": "clinic-d", "label": "PSY"}

    await desk.post("/consents", form)

    assert [(await one.get(f"/patients/{patient}")).status_code for one in clinics] == [200, 404]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({}, "「同意」か「除外」"),
        ({"effect": "perhaps"}, "「同意」か「除外」"),
        ({**PERMIT, "discloser_all": "some"}, "情報を開示する施設"),
        ({**PERMIT, "receiver_all": "some", "receiver": "nowhere"}, "情報を受け取る施設"),
        ({**PERMIT, "category_all": "some"}, "情報の種類"),
        ({**PERMIT, "start": "tomorrow"}, "開始日"),
        ({**PERMIT, "start": "2026-02-02", "end": "2026-02-01"}, "終了日"),
        ({**PERMIT, "relation": "長女"}, "代理人の氏名"),
    ],
)
async def test_an_incomplete_form_says_what_is_missing_and_records_nothing(
    world: World, form: dict[str, str], text: str
) -> None:
    desk, patient = await a_desk(world)

    answer = await desk.post("/consents", {"patient": patient, **form})

    assert answer.status_code == 400
    assert text in answer.text
    assert await world.total(await world.client("hospital-a"), f"Consent?patient={patient}") == 0


async def test_what_was_typed_is_still_there_after_a_mistake(world: World) -> None:
    desk, patient = await a_desk(world)
    form = {
        "patient": patient,
        **PERMIT,
        "receiver_all": "some",
        "start": "2026-01-05",
        "label": "HIV",
        "relation": "夫",
    }

    page = (await desk.post("/consents", form)).text

    assert 'value="permit" required checked' in page
    assert 'name="receiver_all" value="some" checked' in page
    assert 'value="2026-01-05"' in page
    assert 'name="label" value="HIV" checked' in page
    assert 'value="夫"' in page


async def test_the_page_lists_what_holds_what_is_to_come_and_what_is_past(world: World) -> None:
    desk, patient = await a_desk(world)
    for start, end, receiver in [
        ("", "", "clinic-c"),
        ("2098-01-01", "", "clinic-d"),
        ("2001-01-01", "2001-12-31", "hospital-b"),
    ]:
        form = {"patient": patient, **PERMIT, "start": start, "end": end, "receiver_all": "some", "receiver": receiver}
        await desk.post("/consents", form)

    page = (await desk.get(f"/consents?patient={patient}")).text.partition('<section class="panel">')[2]

    held, _, rest = page.partition("これから始まる同意")
    waiting, _, past = rest.partition("終了・撤回した同意")
    assert "clinic-c" in held
    assert "clinic-d" in waiting
    assert "hospital-b" in past.partition("</details>")[0]
    assert "本人" in held


async def test_nested_exceptions_are_said_to_exist(world: World) -> None:
    desk, patient = await a_desk(world)
    exception = [{"type": "deny", "class": [{"code": "DocumentReference"}]}]
    consent = a_consent(patient, "clinic-c", provision=exception)
    await world.post(await world.client("hospital-a"), consent)

    assert "例外の定めがあります" in (await desk.get(f"/consents?patient={patient}")).text


async def test_recording_and_withdrawing_are_audit_events_of_the_person(world: World) -> None:
    desk, patient = await a_desk(world)
    await desk.post("/consents", {"patient": patient, **PERMIT})
    consent = (await the_consent(world, patient))["id"]
    await desk.post("/consents", {"patient": patient, "withdraw": consent})

    found = [one for one in await recorded(world) if one.method == "POST" and one.path == "/consents"]
    # What is entered is shown once more before it counts: that is a look at the patient of its own.
    shown = ("search-type", "E", "clerk-hospital-a", f"Patient/{patient}", ())
    assert [(one.interaction, one.action, one.user, one.patient, one.entities) for one in found] == [
        shown,
        ("create", "C", "clerk-hospital-a", f"Patient/{patient}", (f"Consent/{consent}/_history/1",)),
        shown,
        ("update", "U", "clerk-hospital-a", f"Patient/{patient}", (f"Consent/{consent}/_history/2",)),
    ]


async def test_a_consent_of_another_site_is_withdrawn_there(world: World) -> None:
    desk, patient = await a_desk(world)
    await desk.post("/consents", {"patient": patient, **PERMIT})
    consent = (await the_consent(world, patient))["id"]
    clinic = await signed_in(world, "clinic-c", "doctor")

    page = await clinic.get(f"/consents?patient={patient}")
    answer = await clinic.post("/consents", {"patient": patient, "withdraw": consent})

    assert "hospital-a が記録" in page.text
    assert answer.status_code == 403
    assert (await the_consent(world, patient))["status"] == "active"


async def test_a_site_that_does_not_know_the_patient_records_no_consent(world: World) -> None:
    desk, patient = await a_desk(world)
    await desk.post("/consents", {"patient": patient, **PERMIT})
    clinic = await signed_in(world, "clinic-c", "doctor")

    page = await clinic.get(f"/consents?patient={patient}")
    answer = await clinic.post("/consents", {"patient": patient, **PERMIT})

    assert "自施設にこの患者さんの登録がありません" in page.text
    assert answer.status_code == 403


async def test_the_secretariat_finds_a_person_and_records_a_consent_but_reads_no_record(world: World) -> None:
    _, patient = await a_desk(world)
    await world.post(await world.client("hospital-a"), an_observation(patient))
    office = await signed_in(world, "secretariat", "secretariat")
    found = await office.get("/consents", params={"q": "山田"})
    page = await office.get(f"/consents?patient={patient}")

    answer = await office.post("/consents", {"patient": patient, **PERMIT})

    assert f"/consents?patient={patient}" in found.text
    assert "開示に同意する" in page.text
    assert f"/patients/{patient}" not in page.text
    assert answer.status_code == 303
    assert (await office.get(f"/patients/{patient}")).status_code == 403
    assert (await (await signed_in(world, "clinic-c")).get(f"/patients/{patient}")).status_code == 200


@pytest.mark.parametrize(("query", "text"), [("山本", "見つかりませんでした"), ("", "患者をさがす")])
async def test_the_desk_looks_for_a_person(world: World, query: str, text: str) -> None:
    desk, patient = await a_desk(world)

    page = await desk.get("/consents", params={"q": query})

    assert text in page.text
    assert patient not in page.text


async def test_a_consent_that_does_not_exist_is_not_withdrawn(world: World) -> None:
    desk, patient = await a_desk(world)

    assert (await desk.post("/consents", {"patient": patient, "withdraw": "0000000000000"})).status_code == 404


def test_withdrawing_changes_the_status_and_no_other_byte() -> None:
    body = b'{"resourceType":"Consent", "status" : "active","extension":[{"valueDecimal":1.50}]}'

    assert withdrawn(body) == body.replace(b'"active"', b'"inactive"')


def test_a_body_without_a_status_is_not_withdrawn() -> None:
    with pytest.raises(NotFound):
        withdrawn(b'{"resourceType":"Consent"}')


async def test_a_parent_decides_for_a_child_and_says_why(world: World) -> None:
    desk, patient = await a_desk(world)
    form = {"patient": patient, **PERMIT, "proxy": "山田 花子", "proxy_kind": "parent", "reason": "未成年"}

    await desk.post("/consents", form)

    consent = await the_consent(world, patient)
    assert consent["contained"][0]["relationship"][0]["coding"][0]["code"] == "PRN"
    assert consent["performer"][0]["display"] == "山田 花子（親権者）"
    assert consent["performer"][0]["extension"][0]["valueString"] == "未成年"


async def test_single_persons_are_named_by_their_accounts(world: World) -> None:
    desk, patient = await a_desk(world)
    doctor = await signed_in(world, "clinic-c")
    form = {"patient": patient, **PERMIT, "person": "doctor-clinic-c、clerk-hospital-a"}

    await desk.post("/consents", form)

    actors = (await the_consent(world, patient))["provision"]["actor"]
    assert [one["reference"]["identifier"]["value"] for one in actors] == ["doctor-clinic-c", "clerk-hospital-a"]
    assert (await doctor.get(f"/patients/{patient}")).status_code == 200


async def test_a_person_whom_nobody_knows_is_a_mistake_of_the_form(world: World) -> None:
    desk, patient = await a_desk(world)

    answer = await desk.post("/consents", {"patient": patient, **PERMIT, "person": "nobody"})

    assert answer.status_code == 400
    assert "登録されていません" in answer.text
    assert await world.total(await world.client("hospital-a"), f"Consent?patient={patient}") == 0


PDF, JPEG = b"%PDF-1.4\n1 0 obj\r\n\xff\x00 endobj", b"\xff\xd8\xff\xe0scan"


async def send_scan(desk: Browser, patient: str, scan: bytes, name: str = "scan.pdf") -> Any:
    form = {"csrf": await desk.token(), "patient": patient, **PERMIT}
    form["shown"] = shown_once_more(await desk.http.post("/consents", data=form, headers=SAME_SITE))
    return await desk.http.post("/consents", data=form, files={"scan": (name, scan)}, headers=SAME_SITE)


@pytest.mark.parametrize(("scan", "kind"), [(PDF, "application/pdf"), (JPEG, "image/jpeg")])
async def test_the_scan_of_a_paper_is_kept_as_the_source_and_goes_nowhere(world: World, scan: bytes, kind: str) -> None:
    desk, patient = await a_desk(world)

    answer = await send_scan(desk, patient, scan, name="同意書.exe")

    assert answer.status_code == 303, answer.text
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    source = (await the_consent(world, patient))["sourceReference"]["reference"]
    document = (await world.http.get(f"/fhir/{source}", headers=hospital)).json()
    attachment = document["content"][0]["attachment"]
    binary = await world.http.get(f"/fhir/{attachment['url']}", headers={**hospital, "accept": "application/fhir+json"})
    assert (attachment["contentType"], attachment["size"]) == (kind, len(scan))
    assert b64decode(binary.json()["data"]) == scan
    assert await world.total(clinic, "Patient") == 1
    for address in (source, attachment["url"]):
        assert (await world.http.get(f"/fhir/{address}", headers=clinic)).status_code == 404


@pytest.mark.parametrize(
    "scan",
    [b"MZ\x90", b"<html>", PDF + b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>"],
    ids=["exe", "html", "script"],
)
async def test_what_is_no_scan_is_refused_and_nothing_is_recorded(world: World, scan: bytes) -> None:
    desk, patient = await a_desk(world)

    answer = await send_scan(desk, patient, scan)

    assert answer.status_code == 400
    assert "PDFかJPEG" in answer.text
    assert await world.total(await world.client("hospital-a"), f"Consent?patient={patient}") == 0
