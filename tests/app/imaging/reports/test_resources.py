import random
from typing import Any

import pytest

from app.imaging.reports.resources import Place, resource
from dicom.indexing import Facts, indexed
from dicom.part10 import read_instance
from fhir.profiles.structure import check
from tests.reports import (
    CDA,
    a_ct_dose,
    a_document,
    a_projection_dose,
    a_reading,
    an_administration,
    model_of,
    picture,
    some_key_images,
)

PLACE = Place("Patient/p", "ImagingStudy/s", ["ServiceRequest/r"], "https://hub.example/dicomweb")


def told(data: bytes) -> dict[str, Any]:
    """Return what a file says as a resource."""
    found = resource(indexed(read_instance(data)), model_of(data), PLACE)
    assert found is not None
    assert check(found) == []
    return found


def test_a_report_is_a_diagnostic_report() -> None:
    found = told(a_reading())

    assert found.pop("text")["div"].startswith('<div xmlns="http://www.w3.org/1999/xhtml"><p>Diagnostic imaging report')
    assert found == {
        "resourceType": "DiagnosticReport",
        "identifier": [
            {"system": "urn:dicom:uid", "value": "urn:oid:1.2.392.66.31"},
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                "value": "A-1",
            },
        ],
        "basedOn": [{"reference": "ServiceRequest/r"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "18748-4", "display": "Diagnostic imaging report"}],
            "text": "Diagnostic imaging report",
        },
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-05-01T09:30:00+09:00",
        "issued": "2024-05-01T10:15:00+09:00",
        "resultsInterpreter": [{"display": "佐藤 花子"}],
        "imagingStudy": [{"reference": "ImagingStudy/s"}],
        "conclusion": "肺癌の疑い。",
        "presentedForm": [
            {
                "contentType": "application/dicom",
                "url": "https://hub.example/dicomweb/studies/1.2.392.66.1/series/1.2.392.66.31.9/instances/1.2.392.66.31",
                "title": "Diagnostic imaging report",
            }
        ],
    }


def test_what_nobody_has_verified_is_preliminary() -> None:
    assert told(a_reading(verified=False))["status"] == "preliminary"


def test_a_dose_report_is_an_observation_of_its_sums() -> None:
    found = told(a_ct_dose())

    assert found["code"]["coding"][0]["code"] == "73569-6"
    assert found["partOf"] == [{"reference": "ImagingStudy/s"}]
    assert [(one["code"]["coding"][0]["code"], one["valueQuantity"]) for one in found["component"]] == [
        (
            "113812",
            {"value": 2.0, "unit": "{events}", "system": "http://unitsofmeasure.org", "code": "{events}"},
        ),
        ("113813", {"value": 612.75, "unit": "mGy.cm", "system": "http://unitsofmeasure.org", "code": "mGy.cm"}),
        ("113830", {"value": 9.1, "unit": "mGy", "system": "http://unitsofmeasure.org", "code": "mGy"}),
    ]


def test_planes_and_activities_are_told_apart() -> None:
    planes = [one["code"]["text"] for one in told(a_projection_dose())["component"]]

    assert planes[0] == "Dose Area Product Total (Plane A)"
    assert planes[3] == "Dose Area Product Total (Plane B)"
    assert told(an_administration())["component"][0]["valueQuantity"]["value"] == 200


@pytest.mark.parametrize(
    ("sop_class", "media_type", "expected"),
    [("", "application/pdf", "application/pdf"), (CDA, "text/html", "text/xml")],
    ids=["PDF", "a CDA that says it is HTML"],
)
def test_a_file_is_a_document_that_leads_to_the_instance_and_to_the_file(
    sop_class: str, media_type: str, expected: str
) -> None:
    more = {"sop_class": sop_class} if sop_class else {}

    found = told(a_document(b"%PDF-1.4", media_type=media_type, **more))

    at = "https://hub.example/dicomweb/studies/1.2.392.66.1/series/1.2.392.66.61.9/instances/1.2.392.66.61"
    assert (found["resourceType"], found["description"]) == ("DocumentReference", "読影報告書")
    assert [(one["attachment"]["contentType"], one["attachment"]["url"]) for one in found["content"]] == [
        ("application/dicom", at),
        (expected, f"{at}/bulkdata/00420011"),
    ]
    assert found["context"]["related"] == [{"reference": "ImagingStudy/s"}, {"reference": "ServiceRequest/r"}]


def test_key_images_are_a_document_with_their_remark() -> None:
    found = told(some_key_images())

    assert found["description"] == "結節"
    assert found["type"]["coding"][0]["display"] == "Of Interest"


@pytest.mark.parametrize("title", ["113030", "113001"], ids=["a manifest", "a rejection"])
def test_a_selection_that_picks_nothing_out_tells_nothing(title: str) -> None:
    data = some_key_images(picture(), title=(title, "DCM", "x"))

    assert resource(indexed(read_instance(data)), model_of(data), PLACE) is None


@pytest.mark.parametrize("seed", range(10))
def test_whatever_an_instance_holds_the_resource_is_valid(seed: int) -> None:
    chance = random.Random(seed)
    odd = ["", " ", "\x1b$B", "9" * 400, "<b>&\x00</b>", "2024", None, -1, {"Alphabetic": "^^"}, {}, []]

    def spoil(node: object) -> object:
        if isinstance(node, dict):
            return {key: spoil(value) if chance.random() < 0.93 else chance.choice(odd) for key, value in node.items()}
        return [spoil(one) for one in node] if isinstance(node, list) else node

    for data in (a_reading(), a_ct_dose(), a_projection_dose(), a_document(b"x"), some_key_images()):
        facts: Facts = indexed(read_instance(data))
        for _ in range(20):
            spoilt = spoil(model_of(data))
            found = resource(facts, spoilt if isinstance(spoilt, dict) else {}, PLACE)
            assert found is None or check(found) == []
