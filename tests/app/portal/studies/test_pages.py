"""A study's page, the pages of its instances, the doses of a person, and the study's group on the timeline."""

from typing import Any

import pytest
from pydicom.dataset import Dataset

from tests.app.imaging.images import CT, a_file, stored
from tests.app.imaging.reports.test_filing import an_order, found, the_patient
from tests.attachments import a_cda
from tests.portal import Browser, recorded, signed_in
from tests.reports import (
    CDA,
    CT_IMAGE,
    CT_SERIES,
    ENHANCED_SR,
    STUDY,
    a_ct_dose,
    a_document,
    a_projection_dose,
    a_reading,
    picture,
    some_key_images,
)
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.4 made up"
PAGE = f"/studies/{STUDY}"


def an_image(**values: Any) -> bytes:
    """Return a slice of the study of tests.reports."""
    return a_file(
        CT,
        StudyInstanceUID=STUDY,
        SeriesInstanceUID=CT_SERIES,
        SOPInstanceUID=CT_IMAGE,
        PatientID="P1",
        PatientName="Yamada^Tarou=山田^太郎",
        PatientSex="M",
        SpecificCharacterSet="ISO_IR 192",
        StudyDate="20240501",
        StudyTime="093000",
        StudyDescription="胸部CT",
        AccessionNumber="A-1",
        **values,
    )


async def a_whole_study(world: World) -> str:
    """Store an order, a study with everything, and the report of another system; return the id of the Patient."""
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await world.post(site, an_order(patient, requester={"display": "内科 鈴木"}))
    image = an_image(ReferringPhysicianName="Mizushima^Jirou=水島^次郎")
    files = (image, a_reading(), a_ct_dose(), a_document(PDF), some_key_images(picture(), picture("1.2.3.4")))
    await stored(world, site, *files)
    report = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "urn:x:accession-number", "value": "A-1"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        "code": {"text": "放射線科レポート"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2024-05-02T10:00:00+09:00",
        "conclusion": "右上葉結節",
    }
    await world.post(site, report)
    return patient


async def test_a_study_is_shown_with_its_order_reports_doses_key_images_and_documents(world: World) -> None:
    patient = await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(PAGE)).text

    assert "CT 胸部CT" in page
    for text in (
        "内科 鈴木",
        "依頼中",
        "佐藤 花子",
        "水島 次郎",
        "放射線科レポート",
        "右上葉結節",
        "読影報告書",
        "注目画像",
        "結節",
    ):
        assert text in page
    assert f'href="{PAGE}/objects/1.2.392.66.31"' in page
    for text in ("総DLP", "612.75 mGy·cm", "胸部ルーチン", "8.25 mGy", "IEC Body Dosimetry Phantom"):
        assert text in page
    assert f'href="/images/{STUDY}?series={CT_SERIES}&amp;instance={CT_IMAGE}&amp;frame=1"' in page
    assert "ほかに1件の参照があります。" in page
    assert f'href="/patients/{patient}/doses"' in page
    entities = (await recorded(world))[-1].entities
    assert any(one.startswith("ServiceRequest/") for one in entities)


async def test_the_look_at_a_study_is_recorded_as_images_are(world: World) -> None:
    await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")

    await browser.get(PAGE)

    assert any(f"urn:oid:{STUDY}" in one.entities for one in await recorded(world))


async def test_a_report_is_read_with_its_sections_and_a_way_to_its_images(world: World) -> None:
    await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")

    japanese = (await browser.get(f"{PAGE}/objects/1.2.392.66.31")).text
    english = (await browser.get(f"{PAGE}/objects/1.2.392.66.31?lang=en")).text

    for text in ("所見", "右上葉に結節を認める。", "12.5</span> mm", "印象", "確定者", "第一病院", "2024-05-01 11:30"):
        assert text in japanese
    assert f"/images/{STUDY}?series={CT_SERIES}" in japanese
    for text in ("Findings", "Impressions", "Verified by", "右上葉に結節を認める。"):
        assert text in english


async def test_what_a_report_says_is_never_markup(world: World) -> None:
    site = await world.client("hospital-a")
    attack = "<script>alert(1)</script>"
    await stored(
        world, site, a_reading(StudyDescription=attack, SeriesDescription=attack), a_document(PDF, DocumentTitle=attack)
    )
    browser = await signed_in(world, "hospital-a")

    for address in (PAGE, f"{PAGE}/objects/1.2.392.66.31", f"{PAGE}/objects/1.2.392.66.61"):
        page = await browser.get(address)
        assert page.status_code == 200
        assert "<script>alert" not in page.text


async def test_a_report_that_another_replaces_is_marked(world: World) -> None:
    site = await world.client("hospital-a")
    named, series, study = Dataset(), Dataset(), Dataset()
    named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = ENHANCED_SR, "1.2.392.66.31"
    series.SeriesInstanceUID, series.ReferencedSOPSequence = "1.2.392.66.31.9", [named]
    study.StudyInstanceUID, study.ReferencedSeriesSequence = STUDY, [series]
    later = a_reading(instance="1.2.392.66.32", PredecessorDocumentsSequence=[study])
    await stored(world, site, a_reading(), later)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(PAGE)).text
    new = (await browser.get(f"{PAGE}/objects/1.2.392.66.32")).text
    reports = await found(world, site, "DiagnosticReport?_sort=_lastUpdated")

    assert page.count("差替え済み") == 1
    assert f'href="{PAGE}/objects/1.2.392.66.31"' in new
    assert {one["status"] for one in reports} == {"final", "amended"}


async def test_a_pdf_in_an_instance_is_opened_by_the_browser_as_it_came(world: World) -> None:
    await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")
    address = f"{PAGE}/objects/1.2.392.66.61"

    page, file = await browser.get(address), await browser.get(f"{address}/content/0")
    saved = await browser.get(f"{address}/content/0?save")

    assert f'href="{address}/content/0"' in page.text
    assert file.content == PDF
    assert file.headers["content-disposition"].startswith("inline; ")
    assert saved.headers["content-disposition"].startswith("attachment; ")
    assert saved.content == PDF


async def test_a_cda_in_an_instance_is_shown_and_markup_that_says_it_is_one_is_a_file(world: World) -> None:
    site = await world.client("hospital-a")
    html = b"<html><script>alert(1)</script></html>"
    await stored(
        world,
        site,
        a_document(a_cda(), media_type="text/XML", sop_class=CDA),
        a_document(html, media_type="text/html", sop_class="1.2.840.10008.5.1.4.1.1.104.9", instance="1.2.392.66.62"),
    )
    browser = await signed_in(world, "hospital-a")

    document = await browser.get(f"{PAGE}/objects/1.2.392.66.61")
    other = await browser.get(f"{PAGE}/objects/1.2.392.66.62/content/0")

    assert 'class="narrative"' in document.text
    assert other.headers["content-disposition"].startswith("attachment; ")
    assert other.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in other.headers["content-security-policy"]


async def test_a_real_electrocardiogram_is_drawn(world: World) -> None:
    site = await world.client("hospital-a")
    data = a_file("test_files/waveform_ecg.dcm", PatientID="P1", StudyInstanceUID=STUDY)
    await stored(world, site, data)
    browser = await signed_in(world, "hospital-a")
    (study,) = await found(world, site, "ImagingStudy")
    uid = study["series"][0]["instance"][0]["uid"]

    page = (await browser.get(f"{PAGE}/objects/{uid}")).text

    assert page.count('<figure class="trace">') == 12
    assert "Lead aVR" in page
    assert "-0.0625 mV – 0.725 mV" in page


async def test_doses_are_a_file_of_their_events(world: World) -> None:
    await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")

    file = await browser.get(f"{PAGE}/doses.csv")

    head, first, second = file.text.lstrip("\ufeff").splitlines()
    assert head.startswith("report,event,protocol,region,type,plane,started,phantom,agent,kvp (kV),current (mA)")
    assert first == (
        "1.2.392.66.41,ct,胸部ルーチン,Chest,Spiral Acquisition,,,IEC Body Dosimetry Phantom,,"
        "120,180.5,350,0.8,8.25,300.5,,,,,,"
    )
    assert second.startswith("1.2.392.66.41,ct,腹部ルーチン,")


async def test_the_doses_of_a_person_add_up_over_sites_and_copies_count_once(world: World) -> None:
    patient = await a_whole_study(world)
    site = await world.client("hospital-a")
    other = a_projection_dose(StudyInstanceUID="1.2.392.66.7", StudyDate="20230401")
    await stored(world, site, other, a_file("test_files/MR_small.dcm", PatientID="P1"))
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(f"/patients/{patient}/doses")).text
    file = (await browser.get(f"/patients/{patient}/doses.csv")).text

    assert "20 Gy·cm²" in page
    assert "0.4 Gy" in page
    assert page.count("612.75 mGy·cm") == 3
    assert [line.split(",")[0] for line in file.lstrip("\ufeff").splitlines()] == ["date", "2024-05-01", "2023-04-01"]


async def test_doses_that_others_number_alike_are_not_taken_for_copies(world: World) -> None:
    patient = await a_whole_study(world)
    site = await world.client("hospital-a")
    (dose,) = await found(world, site, "Observation?code=73569-6")
    body = {name: value for name, value in dose.items() if name not in ("id", "meta")}
    for system in ("urn:x:1", "urn:x:2"):
        await world.post(site, {**body, "identifier": [{"system": system, "value": "1"}]})
    browser = await signed_in(world, "hospital-a")

    file = (await browser.get(f"/patients/{patient}/doses.csv")).text

    assert file.count("612.75") == 3


async def test_numbers_that_no_dose_has_break_no_page(world: World) -> None:
    patient = await a_whole_study(world)
    site = await world.client("hospital-a")
    (dose,) = await found(world, site, "Observation?code=73569-6")
    (dlp,) = [one for one in dose["component"] if one["code"]["coding"][0]["code"] == "113813"]
    body = {name: value for name, value in dose.items() if name not in ("id", "meta", "identifier")}
    for value in (1e29, 1e300):
        number = {**dlp["valueQuantity"], "value": value}
        await world.post(site, {**body, "component": [{**dlp, "valueQuantity": number}]})
    browser = await signed_in(world, "hospital-a")

    answers = [await browser.get(f"/patients/{patient}{page}") for page in ("", "/doses", "/doses.csv")]

    assert [one.status_code for one in answers] == [200] * 3
    assert "612.75" in answers[2].text


async def test_the_timeline_shows_a_study_with_its_order_and_reports_as_one_group(world: World) -> None:
    patient = await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(f"/patients/{patient}")).text

    group = page.partition('<ul class="with-study">')[2].partition("</ul>")[0]
    assert f'href="{PAGE}"' in page
    for text in ("胸部CT", "依頼中", "肺癌の疑い。", "放射線科レポート", "DLP 612.75 mGy·cm", "読影報告書", "結節"):
        assert text in group
    assert page.count("放射線科レポート") == 1
    assert page.count("読影報告書") == 1


async def test_a_cancelled_order_and_a_report_that_names_the_study_are_shown(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await stored(world, site, an_image())
    order = await world.post(site, an_order(patient))
    named = {"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}}
    report = {
        "resourceType": "DiagnosticReport",
        "status": "corrected",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        "code": {"text": "遅れて来たレポート"},
        "subject": {"reference": f"Patient/{patient}"},
        "imagingStudy": [named],
    }
    await world.post(site, report)
    other = {
        **report,
        "code": {"text": "別の検査のレポート"},
        "imagingStudy": [{"identifier": {"value": "urn:oid:9.9"}}],
    }
    await world.post(site, other)
    await world.http.put(f"/fhir/ServiceRequest/{order['id']}", headers=site, json={**order, "status": "revoked"})
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(PAGE)).text

    assert "中止" in page
    assert "遅れて来たレポート" in page
    assert "訂正" in page
    assert "別の検査のレポート" not in page


async def test_a_report_by_fhir_leads_to_the_page_of_its_instance(world: World) -> None:
    site = await world.client("hospital-a")
    await stored(world, site, a_reading(), a_document(PDF))
    browser = await signed_in(world, "hospital-a")
    (report,) = await found(world, site, "DiagnosticReport")
    (document,) = await found(world, site, "DocumentReference")

    answers = [await browser.get(f"/documents/{one['resourceType']}/{one['id']}") for one in (report, document)]

    assert [one.headers["location"] for one in answers] == [
        f"{PAGE}/objects/1.2.392.66.31",
        f"{PAGE}/objects/1.2.392.66.61",
    ]


async def addresses(browser: Browser) -> list[tuple[int, bytes]]:
    """Return what a browser is answered at each address of the study."""
    places = [
        PAGE,
        f"{PAGE}/doses.csv",
        *(f"{PAGE}/objects/1.2.392.66.{number}" for number in (31, 41, 51, 61)),
        f"{PAGE}/objects/1.2.392.66.61/content/0",
        f"{PAGE}/objects/1.2.392.66.61/content/0/pictures/0",
        f"{PAGE}/objects/1.2.392.66.61/content/0/files/0",
    ]
    answers = [await browser.get(one) for one in places]
    return [(one.status_code, one.content) for one in answers]


async def test_a_study_whose_images_are_elsewhere_is_shown_as_its_site_describes_it(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await world.post(site, an_order(patient, "E-1"))
    study = {
        "resourceType": "ImagingStudy",
        "identifier": [
            {"system": "urn:dicom:uid", "value": "urn:oid:1.2.392.66.8"},
            {"type": {"coding": [{"code": "ACSN"}]}, "value": "E-1"},
        ],
        "status": "available",
        "subject": {"reference": f"Patient/{patient}"},
        "started": "2024-03-01T08:30:00+09:00",
        "description": "頭部MR",
        "series": [{"uid": "1.2.392.66.8.1", "modality": {"code": "MR"}, "description": "T2", "numberOfInstances": 20}],
    }
    await world.post(site, study)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get("/studies/1.2.392.66.8")).text
    timeline = (await browser.get(f"/patients/{patient}")).text

    assert "胸部CT" in timeline.partition('<ul class="with-study">')[2]
    for text in ("MR 頭部MR", "2024-03-01 08:30", "E-1", "胸部CT", "T2", "×20", "このハブにはありません"):
        assert text in page
    assert "/thumbnail" not in page


async def test_a_hidden_study_is_answered_as_one_that_never_was(world: World) -> None:
    browser = await signed_in(world, "clinic-c")
    before = await addresses(browser)

    patient = await a_whole_study(world)
    hidden = await addresses(browser)
    await world.post(await world.client("hospital-a"), a_consent(patient, "clinic-c"))
    shown = await addresses(browser)

    assert {status for status, _ in before} == {404}
    assert hidden == before
    assert [status for status, _ in shown] == [200] * 7 + [404] * 2


async def test_what_is_no_uid_or_no_object_is_not_found(world: World) -> None:
    await a_whole_study(world)
    browser = await signed_in(world, "hospital-a")

    for address in ("/studies/x", f"{PAGE}/objects/x", f"{PAGE}/objects/9.9", f"{PAGE}/objects/{CT_IMAGE}"):
        assert (await browser.get(address)).status_code == 404


async def test_an_office_opens_no_study(world: World) -> None:
    await a_whole_study(world)
    clerk, office = await signed_in(world, "hospital-a", "clerk"), await signed_in(world, "secretariat", "secretariat")

    assert (await clerk.get(PAGE)).status_code == 404
    assert (await office.get(PAGE)).status_code == 403
