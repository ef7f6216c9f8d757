import base64
import hashlib

from app.demo.attachments import attachments
from app.demo.chart import chart
from app.demo.imaging import studies
from app.demo.region import region
from app.demo.visits import visits

REGION = region()


def found_at(person, site):
    found = chart(REGION, site, REGION.person(person).at(site))
    entries = attachments(found, visits(found))
    return list(zip(entries[::2], entries[1::2], strict=True))


def test_each_reference_points_at_its_binary_with_size_and_digest():
    for (reference_url, reference), (binary_url, binary) in found_at("tome", "hospital-b"):
        attachment = reference["content"][0]["attachment"]
        content = base64.b64decode(binary["data"])

        assert attachment["url"] == binary_url
        assert binary["securityContext"]["reference"] == reference_url
        assert attachment["size"] == len(content)
        assert base64.b64decode(attachment["hash"]) == hashlib.sha1(content, usedforsecurity=False).digest()
        assert attachment["contentType"] == binary["contentType"]


def test_a_hospital_reports_each_image_as_pdf():
    kinds = [binary["contentType"] for _, (_, binary) in found_at("tome", "hospital-b")]

    assert kinds == ["text/plain; charset=utf-8", *["application/pdf"] * 3]


def test_a_report_names_the_study_that_it_is_of():
    reports = [reference for (_, reference), _ in found_at("tome", "hospital-b")][1:]
    numbers = [one["context"]["related"][0]["identifier"]["value"] for one in reports]

    person = REGION.person("tome").at("hospital-b").number
    assert numbers == [order.accession for order in studies(REGION, "hospital-b") if order.patient_id == person]


def test_a_clinic_has_a_progress_note_only():
    (((_, reference), (_, binary)),) = found_at("tome", "clinic-e")

    assert reference["type"]["coding"][0]["code"] == "11506-3"
    assert "高血圧症" in base64.b64decode(binary["data"]).decode()


def test_a_note_does_not_tell_what_is_kept_back():
    for person, site, kept in (
        ("emi", "hospital-b", "転移性骨腫瘍"),
        ("shohei", "clinic-e", "前頭側頭型認知症"),
        ("yuko", "clinic-c", "うつ病"),
    ):
        for _, (_, binary) in found_at(person, site):
            assert kept.encode() not in base64.b64decode(binary["data"])


def test_a_note_of_psychiatry_is_labelled():
    ((_, note), _), *_ = found_at("yuko", "hospital-a")

    assert note["meta"]["security"][0]["code"] == "PSY"


def test_before_the_first_visit_there_is_no_note():
    found = chart(REGION, "clinic-c", REGION.person("shota").at("clinic-c"))

    assert attachments(found, ()) == []
