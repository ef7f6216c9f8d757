import base64
import json

import pytest

from app.portal import timeline
from tests.portal import Browser, recorded, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a"
LABELLED = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
UNINFORMED = {"security": [{"system": "http://renkei.example/fhir/CodeSystem/disclosure", "code": "UNINFORMED"}]}
MEMBER = {
    "system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID",
    "value": "39019999:北緑:48578217:01",
}


def the_record(patient: str) -> list[dict[str, object]]:
    """Return a little of everything, with a text that is found nowhere else."""
    subject = {"reference": f"Patient/{patient}"}
    active = {"coding": [{"code": "active"}]}
    return [
        {
            "resourceType": "Condition",
            "subject": subject,
            "code": {"text": f"高血圧症 {CANARY}"},
            "clinicalStatus": active,
        },
        {
            "resourceType": "AllergyIntolerance",
            "patient": subject,
            "code": {"text": f"ペニシリン {CANARY}"},
            "criticality": "high",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "reaction": [{"manifestation": [{"text": "蕁麻疹"}]}],
        },
        an_observation(
            patient, code={"text": f"HbA1c {CANARY}", "coding": [{"system": "http://loinc.org", "code": "4548-4"}]}
        ),
        {
            "resourceType": "MedicationRequest",
            "status": "active",
            "intent": "order",
            "subject": subject,
            "authoredOn": "2024-05-01",
            "medicationCodeableConcept": {"text": f"アムロジピン錠５ｍｇ {CANARY}"},
            "dosageInstruction": [{"text": "１日１回朝食後"}],
        },
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"code": "AMB", "display": f"外来 {CANARY}"},
            "subject": subject,
            "period": {"start": "2024-05-01T09:00:00+09:00", "end": "2024-05-03T09:00:00+09:00"},
        },
        {
            "resourceType": "ImagingStudy",
            "status": "available",
            "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3.4"}],
            "subject": subject,
            "started": "2024-05-02",
            "description": f"頭部ＣＴ {CANARY}",
            "modality": [{"code": "CT"}],
            "series": [{"uid": "1.2.3.4.5", "modality": {"code": "CT"}, "numberOfInstances": 12}],
        },
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "subject": subject,
            "date": "2024-05-03T01:00:00Z",
            "description": f"診療情報提供書 {CANARY}",
            "content": [
                {"attachment": {"contentType": "text/plain", "data": base64.b64encode(CANARY.encode()).decode()}}
            ],
        },
    ]


async def a_record(world: World, site: str, **fields: object) -> str:
    """Push a Patient with a little of everything and return its id."""
    caller = await world.client(site)
    patient = str((await world.post(caller, a_patient(**fields)))["id"])
    for resource in the_record(patient):
        await world.post(caller, resource)
    return patient


async def test_a_timeline_shows_a_line_of_each_kind_with_its_site(world: World) -> None:
    patient = await a_record(world, "clinic-c")
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/patients/{patient}")

    assert page.status_code == 200
    for text in (
        "高血圧症",
        "ペニシリン",
        "重篤",
        "蕁麻疹",
        "HbA1c",
        "6.3 %",
        "アムロジピン錠５ｍｇ",
        "外来",
        "頭部ＣＴ",
    ):
        assert text in page.text
    assert "/dicomweb/studies/1.2.3.4/series/1.2.3.4.5/thumbnail" in page.text
    assert "診療情報提供書" in page.text
    assert page.text.index("2024-05-03") < page.text.index("<time>2024-05-02") < page.text.index("<time>2024-05-01")
    assert 'title="clinic-c"' in page.text


async def test_what_belongs_to_several_patients_is_in_the_timeline_of_whom_it_is_about(world: World) -> None:
    caller = await world.client("clinic-c")
    mother, child = [(await world.post(caller, a_patient()))["id"] for _ in range(2)]
    code = {"text": f"HbA1c {CANARY}"}
    await world.post(caller, an_observation(child, code=code, performer=[{"reference": f"Patient/{mother}"}]))
    browser = await signed_in(world, "clinic-c")

    pages = [(await browser.get(f"/patients/{id_}")).text for id_ in (child, mother)]

    assert [CANARY in page for page in pages] == [True, False]


async def test_decimals_stand_as_the_sender_wrote_them(world: World) -> None:
    caller = await world.client("clinic-c")
    patient = (await world.post(caller, a_patient()))["id"]
    body = json.dumps(an_observation(patient)).replace("6.3", "6.30")
    await world.http.post("/fhir/Observation", headers={**caller, "content-type": "application/json"}, content=body)
    browser = await signed_in(world, "clinic-c")

    assert "6.30 %" in (await browser.get(f"/patients/{patient}")).text


async def test_a_hidden_patient_is_as_unknown_on_every_page(world: World) -> None:
    patient = await a_record(world, "hospital-a")
    browser = await signed_in(world, "clinic-c")
    hospital = await world.client("hospital-a")
    found = (await world.http.get(f"/fhir/DocumentReference?patient={patient}", headers=hospital)).json()
    document = found["entry"][0]["resource"]["id"]

    for hidden, unknown in [
        (f"/patients/{patient}", "/patients/0000000000000"),
        (f"/patients/{patient}?view=results", "/patients/0000000000000?view=results"),
        (f"/consents?patient={patient}", "/consents?patient=0000000000000"),
        (f"/documents/DocumentReference/{document}", "/documents/DocumentReference/0000000000000"),
        (f"/documents/DocumentReference/{document}/content/0", "/documents/DocumentReference/0000000000000/content/0"),
    ]:
        one, other = await browser.get(hidden), await browser.get(unknown)
        assert [one.status_code, other.status_code] == [404, 404]
        assert one.text.replace(patient, "0" * 13).replace(document, "0" * 13) == other.text
    for address in ("/patients?q=山田", "/consents?q=山田"):
        assert CANARY not in (await browser.get(address)).text


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "すべての参加施設 → clinic-c"),
        ({"status": "inactive"}, "以前の同意は撤回されたか"),
        (None, "現在有効な同意の記録（閲覧できる範囲）はありません"),
    ],
    ids=["held", "withdrawn", "never"],
)
async def test_the_state_of_consent_is_seen_at_the_visit(
    world: World, fields: dict[str, str] | None, text: str
) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    if fields is not None:
        await world.post(hospital, {**a_consent(patient, "clinic-c"), **fields})

    page = await (await signed_in(world, "hospital-a")).get(f"/patients/{patient}")

    shown = " ".join(page.text.replace('<span aria-hidden="true">→</span>', "→").split())
    assert text in shown


async def test_consent_makes_the_record_appear_and_withdrawal_makes_it_vanish(world: World) -> None:
    patient = await a_record(world, "hospital-a")
    doctor, desk = await signed_in(world, "clinic-c"), await signed_in(world, "hospital-a", "clerk")
    before = await doctor.get(f"/patients/{patient}")
    form = {"patient": patient, "effect": "permit", "receiver_all": "some", "receiver": "clinic-c"}
    made = await desk.post("/consents", form)
    permitted = await doctor.get(f"/patients/{patient}")
    consents = await desk.get(f"/consents?patient={patient}")
    consent = consents.text.partition('name="withdraw" value="')[2].partition('"')[0]
    withdrawn = await desk.post("/consents", {"patient": patient, "withdraw": consent})

    after = await doctor.get(f"/patients/{patient}")

    assert [made.status_code, withdrawn.status_code] == [303, 303]
    assert [before.status_code, permitted.status_code, after.status_code] == [404, 200, 404]
    assert CANARY in permitted.text
    assert "他の1施設の情報を表示しています" in permitted.text
    assert CANARY not in before.text + after.text


async def test_all_sites_of_a_person_are_on_one_timeline(world: World) -> None:
    here, there = (
        await a_record(world, "clinic-c", identifier=[MEMBER]),
        await a_record(world, "hospital-a", identifier=[MEMBER]),
    )
    await world.post(await world.client("hospital-a"), a_consent(there, "clinic-c"))
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/patients/{here}")
    one_site = await browser.get(f"/patients/{here}?site=hospital-a&kind=document")

    assert page.text.count("/documents/DocumentReference/") == 2
    assert 'class="stay site-0"' in page.text
    assert 'class="stay site-2"' in page.text
    assert one_site.text.count("/documents/DocumentReference/") == 1
    assert "絞り込みを解除" in one_site.text
    assert "アムロジピン" in one_site.text.partition('class="events"')[0]
    assert "アムロジピン" not in one_site.text.partition('class="events"')[2].partition("<aside")[0]


async def test_a_filter_that_is_on_turns_off_again(world: World) -> None:
    patient = await a_record(world, "clinic-c")
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/patients/{patient}?kind=document&kind=image&kind=nonsense")

    assert f'class="chip on" href="/patients/{patient}?kind=image"' in page.text
    assert f'href="/patients/{patient}?kind=document&amp;kind=image&amp;kind=laboratory"' in page.text


async def test_a_sensitive_entry_stays_hidden_while_others_show(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    subject = {"reference": f"Patient/{patient}"}
    for text, meta in (("うつ病", LABELLED), ("胃癌", UNINFORMED), ("高血圧症", {"source": "urn:x"})):
        await world.post(
            hospital, {"resourceType": "Condition", "subject": subject, "code": {"text": text}, "meta": meta}
        )
    await world.post(hospital, a_consent(patient, "clinic-c"))
    clinic, own = await signed_in(world, "clinic-c"), await signed_in(world, "hospital-a")

    elsewhere, at_home = await clinic.get(f"/patients/{patient}"), await own.get(f"/patients/{patient}")

    assert "うつ病" not in elsewhere.text
    assert "高血圧症" in elsewhere.text
    assert "未告知" in elsewhere.text.partition("胃癌")[2][:200]
    assert "機微" in at_home.text.partition("うつ病")[2][:200]


async def test_an_old_allergy_is_on_the_first_page_of_a_long_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MOST_ON_PAGE", 2)
    patient = await a_record(world, "clinic-c")
    browser = await signed_in(world, "clinic-c")
    seen, address = [], f"/patients/{patient}"

    while address:
        page = await browser.get(address)
        assert "ペニシリン" in page.text.partition('class="board"')[0]
        seen.append(page.text.partition('class="events"')[2].partition("<aside")[0])
        _, mark, rest = page.text.partition('class="button" href="')
        address = rest.partition('"')[0].replace("&amp;", "&") if mark else ""

    assert len(seen) == 3
    for text in ("診療情報提供書", "頭部ＣＴ", "HbA1c", "アムロジピン", "外来"):
        assert sum(text in one for one in seen) == 1


@pytest.mark.parametrize("before", ["x", "1", "1_2_3", "1_-2"])
async def test_a_position_that_is_none_is_refused(world: World, before: str) -> None:
    patient = await a_record(world, "clinic-c")
    browser = await signed_in(world, "clinic-c")

    assert (await browser.get(f"/patients/{patient}?before={before}")).status_code == 400


async def test_the_results_stand_in_one_table(world: World) -> None:
    patient = await a_record(world, "clinic-c")
    caller = await world.client("clinic-c")
    await world.post(
        caller, an_observation(patient, effectiveDateTime="2024-08-01", valueQuantity={"value": 7.1, "unit": "%"})
    )
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/patients/{patient}?view=results")

    assert page.text.count('<th scope="row">') == 1
    assert page.text.index("08/01") < page.text.index("05/01")
    assert "<polyline" in page.text


async def test_one_event_for_each_site_says_that_the_timeline_was_read(world: World) -> None:
    here, there = (
        await a_record(world, "clinic-c", identifier=[MEMBER]),
        await a_record(world, "hospital-a", identifier=[MEMBER]),
    )
    await world.post(await world.client("hospital-a"), a_consent(there, "clinic-c"))
    browser = await signed_in(world, "clinic-c")

    await browser.get(f"/patients/{here}")

    found = [
        (one.patient, one.custodian, one.outcome) for one in await recorded(world) if one.path == f"/patients/{here}"
    ]
    assert sorted(found) == sorted(
        [(f"Patient/{here}", "Organization/clinic-c", "0"), (f"Patient/{there}", "Organization/hospital-a", "0")]
    )


async def test_a_timeline_without_anything_says_so(world: World) -> None:
    patient = (await world.post(await world.client("clinic-c"), a_patient(name=[{"text": "山田"}], birthDate="1960")))[
        "id"
    ]
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/patients/{patient}")
    results = await browser.get(f"/patients/{patient}?view=results")

    assert "表示できる情報がありません" in page.text
    assert "アレルギーがないことを示すものではありません" in page.text
    assert "自施設の情報だけです" in page.text
    assert "検査結果はありません" in results.text


async def test_a_clerk_sees_no_results(world: World) -> None:
    patient = await a_record(world, "clinic-c")
    browser = await signed_in(world, "clinic-c", "clerk")

    page = await browser.get(f"/patients/{patient}")

    assert "診療情報提供書" in page.text
    assert "HbA1c" not in page.text
    assert "職種により" in page.text


@pytest.fixture
def demo_record() -> list[dict[str, object]]:
    """The transaction of a demo patient with a long story."""
    from app.demo.records import transactions
    from app.demo.region import region

    return next(iter(transactions(region(), "hospital-a")))


async def test_a_demo_patients_whole_record_is_shown(world: World, demo_record: dict[str, object]) -> None:
    caller = await world.client("hospital-a")
    answer = await world.http.post("/fhir", headers=caller, json=demo_record)
    assert answer.status_code == 200, answer.text
    patient = answer.json()["entry"][0]["response"]["location"].partition("/Patient/")[2].partition("/")[0]
    browser: Browser = await signed_in(world, "hospital-a")

    page = await browser.get(f"/patients/{patient}", headers={"accept-language": "en"})

    assert page.status_code == 200
    assert "２型糖尿病" in page.text
    assert "HbA1c" in page.text
    assert page.text.count('class="day"') > 10


@pytest.mark.parametrize("id_", ["a%20b", "x" * 65, "%00", "a%2Fb"])
async def test_what_is_no_id_is_no_patient(world: World, id_: str) -> None:
    browser = await signed_in(world, "clinic-c")

    assert (await browser.get(f"/patients/{id_}")).status_code == 404
