"""Order, images and report by whatever way they come: together on the timeline and on the study's page, each once."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from app.access.directory import find_organisation
from app.identity.decision import break_patient
from app.records.inside import inside_request
from app.records.request import FhirRequest
from tests.app.imaging.images import stored
from tests.app.imaging.reports.test_filing import an_order, found, the_patient
from tests.app.portal.studies.test_pages import PAGE, an_image
from tests.mllp import a_message, outcome, speaking
from tests.portal import signed_in
from tests.reports import STUDY
from tests.world import World

pytestmark = pytest.mark.anyio

RAD = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}
ACSN = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
NUMBER = {"type": ACSN, "value": "A-1"}
UID = {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY}"}
PDF = base64.b64encode(b"%PDF-1.4 made up").decode()
IDENTIFIED = "PID|||P1^^^^PI||山田^太郎^^^^^L^I||19600102|M"


def a_report(patient: str, title: str, **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [RAD],
        "code": {"text": title},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2024-05-02T10:00:00+09:00",
        "conclusion": f"{title}の結論",
        **fields,
    }


def a_paper(patient: str, title: str, *related: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18748-4"}], "text": title},
        "description": title,
        "date": "2024-05-02T10:00:00+09:00",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": "application/pdf", "title": title, "data": PDF}}],
        "context": {"related": list(related)},
        **fields,
    }


def under_studies(page: str) -> list[str]:
    """Return what stands under each study of a timeline."""
    return [one.partition("</ul>")[0] for one in page.split('<ul class="with-study">')[1:]]


async def test_order_images_and_reports_of_every_way_stand_together_each_once(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    async with speaking(world) as line:
        order = a_message(
            IDENTIFIED,
            "ORC|NW|610100|||||||20240501080000|||1234^鈴木^一郎^^^^^^^L^^^^^I",
            "OBR|1|610100||X^胸部ＣＴ依頼^99L||||||||||||||A-1",
            kind="OMG^O19^OMG_O19",
            id="O1",
        )
        read = a_message(
            IDENTIFIED,
            "ORC|SC|610100|R-9",
            "OBR|1|610100|R-9|X^伝送された報告^99L|||20240502101500|||||||||||A-1||||20240502113000||CT|F",
            "OBX|1|TX|GDT^所見^99L||右上葉に影。||||||F",
            "OBX|2|TX|1&IMP^診断^99L||肺癌の疑い。||||||F",
            kind="ORU^R01",
            id="R1",
        )
        assert outcome(await line.say(order))[0] == "AA"
        await stored(world, site, an_image())
        assert outcome(await line.say(read))[0] == "AA"
    (study,) = await found(world, site, "ImagingStudy")
    (request,) = await found(world, site, "ServiceRequest")
    link, asked = {"reference": f"ImagingStudy/{study['id']}"}, {"reference": f"ServiceRequest/{request['id']}"}
    for body in (
        a_report(patient, "参照する報告", imagingStudy=[link]),
        a_report(patient, "UIDの報告", imagingStudy=[{"identifier": UID}]),
        a_report(patient, "依頼の報告", basedOn=[asked]),
        a_report(patient, "番号の報告", identifier=[NUMBER]),
        a_report(patient, "分類のない報告", basedOn=[asked], category=[{"text": "報告"}]),
        a_paper(patient, "画像の文書", link),
        a_paper(patient, "依頼の文書", asked),
        a_paper(patient, "番号の文書", {"identifier": NUMBER}),
    ):
        await world.post(site, body)
    browser = await signed_in(world, "hospital-a")

    timeline = (await browser.get(f"/patients/{patient}")).text
    page = (await browser.get(PAGE)).text

    assert study["basedOn"] == [asked]
    (group,) = under_studies(timeline)
    events = timeline.partition('<section class="events"')[2].partition('<aside class="trends"')[0]
    for title in (
        *("伝送された報告", "参照する報告", "UIDの報告", "依頼の報告", "番号の報告", "分類のない報告"),
        *("画像の文書", "依頼の文書", "番号の文書"),
    ):
        assert (title, group.count(f">{title}</a>"), events.count(f">{title}<")) == (title, 1, 1)
        assert (title, page.count(f">{title}</a>")) == (title, 1)
    assert group.count("胸部ＣＴ依頼") == events.count("胸部ＣＴ依頼") == page.count("胸部ＣＴ依頼") == 1
    assert group.count("肺癌の疑い。") == events.count("肺癌の疑い。") == 1
    assert "右上葉に影。" not in events


async def test_a_report_of_another_study_stands_by_itself(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await stored(world, site, an_image())
    other = {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}
    for body in (
        a_report(patient, "別の報告", imagingStudy=[{"identifier": other}]),
        a_report(patient, "番号違い", identifier=[NUMBER | {"value": "A-2"}]),
        a_paper(patient, "別の文書", {"identifier": other}),
        a_paper(patient, "患者の文書", {"reference": f"Patient/{patient}"}),
    ):
        await world.post(site, body)
    browser = await signed_in(world, "hospital-a")

    timeline = (await browser.get(f"/patients/{patient}")).text
    page = (await browser.get(PAGE)).text

    assert under_studies(timeline) == []
    for title in ("別の報告", "番号違い", "別の文書", "患者の文書"):
        assert title in timeline
        assert title not in page


async def of_the_office(world: World) -> FhirRequest:
    """Return a request of the secretariat."""
    office = await find_organisation(world.hub.database.reader, "secretariat")
    request = await inside_request(world.hub, office, "POST", "/identity")
    request.decide(replace(request.caller, role="secretariat", user="事務局"))
    return request


async def test_what_came_under_another_number_of_the_person_is_with_the_study_while_the_numbers_are_merged(
    world: World,
) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    await stored(world, site, an_image())
    number = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "P1-old"}
    other = await world.post(site, {"resourceType": "Patient", "identifier": [number], "gender": "male"})
    await world.post(site, an_order(other["id"], code={"text": "旧番号の依頼"}))
    await world.post(site, a_report(other["id"], "旧番号の報告", identifier=[NUMBER]))
    browser = await signed_in(world, "hospital-a")
    pages = [(await browser.get(PAGE)).text]

    merged = other | {"active": False, "link": [{"other": {"reference": f"Patient/{patient}"}, "type": "replaced-by"}]}
    answer = await world.http.put(f"/fhir/Patient/{other['id']}", headers=site, json=merged)
    assert answer.status_code == 200, answer.text
    pages += [(await browser.get(PAGE)).text, (await browser.get(f"/patients/{patient}")).text]
    await break_patient(await of_the_office(world), other["id"], "別人であった")
    pages += [(await browser.get(PAGE)).text, (await browser.get(f"/patients/{patient}")).text]

    assert [page.count("旧番号の依頼") for page in pages] == [0, 1, 1, 0, 0]
    assert [page.count(">旧番号の報告</a>") for page in pages] == [0, 1, 1, 0, 0]
