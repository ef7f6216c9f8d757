import json
from typing import Any

import pytest

from app.imaging.imaging_study import study_uid
from app.portal.images import studies
from app.portal.items import Item, item
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS


def line(**body: Any) -> Item | None:
    octets = json.dumps(body).encode()
    return item(Stored(NUMBERS[body["resourceType"]], "1", 7, 8, 1, 3, 0, 0, 1, octets))


def test_a_problem_that_ended_is_not_active() -> None:
    made = line(
        resourceType="Condition",
        code={"text": "肺炎"},
        clinicalStatus={"coding": [{"code": "resolved"}]},
        onsetPeriod={"start": "2024-01-01"},
        abatementDateTime="2024-02-01",
        note=[{"text": "左下葉"}],
    )

    assert made is not None
    assert (made.kind, made.title, made.day, made.detail, made.active) == (
        *("problem", "肺炎", "2024-01-01", "→ 2024-02-01 左下葉"),
        False,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "Observation", "status": "entered-in-error"},
        {"resourceType": "Condition", "verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
        {"resourceType": "Encounter", "status": "cancelled"},
    ],
)
def test_a_mistake_has_no_line(body: dict[str, Any]) -> None:
    assert line(**body) is None


@pytest.mark.parametrize(
    ("body", "kind", "title", "day", "detail"),
    [
        (
            {"resourceType": "Procedure", "code": {"text": "胃切除"}, "performedPeriod": {"end": "2024-01-02"}},
            "procedure",
            "胃切除",
            "2024-01-02",
            "",
        ),
        (
            {
                "resourceType": "Immunization",
                "vaccineCode": {"text": "ＨＡ"},
                "occurrenceDateTime": "2024-01",
                "protocolApplied": [{"doseNumberPositiveInt": 2}, {"doseNumberString": "x"}],
            },
            *("procedure", "ＨＡ", "2024-01", "#2"),
        ),
        (
            {
                "resourceType": "DiagnosticReport",
                "code": {"text": "血液"},
                "result": [{}],
                "conclusion": "正常",
                "issued": "2024-01-01T00:00:00Z",
            },
            *("laboratory", "血液", "2024-01-01", "正常"),
        ),
        (
            {"resourceType": "DiagnosticReport", "category": [{"coding": [{"code": "RAD"}]}], "code": {}},
            "image",
            "—",
            "",
            "",
        ),
        ({"resourceType": "DiagnosticReport", "code": {"text": "病理"}}, "document", "病理", "", ""),
        (
            {"resourceType": "Observation", "code": {"text": "喫煙"}, "valueString": "なし"},
            "procedure",
            "喫煙",
            "",
            "なし",
        ),
        (
            {
                "resourceType": "Observation",
                "category": [{"coding": [{"code": "vital-signs"}]}],
                "code": {"text": "体温"},
                "valueQuantity": {"value": "36.5"},
                "referenceRange": [{"high": {"value": 37}}],
            },
            *("vital", "体温", "", "36.5 (≤ 37)"),
        ),
        (
            {
                "resourceType": "MedicationStatement",
                "status": "active",
                "medicationReference": {"display": "アスピリン"},
                "dosage": [
                    "x",
                    {"timing": {"code": {"text": "朝"}, "repeat": {"boundsDuration": {"value": 7, "unit": "日"}}}},
                ],
            },
            *("medicine", "アスピリン", "", "朝 7 日"),
        ),
        (
            {
                "resourceType": "Encounter",
                "class": {"code": "IMP"},
                "period": {"start": "2024-01-01", "end": "2024-01-05"},
                "reasonCode": [{"text": "骨折"}],
                "participant": [{"individual": {"display": "x"}}],
            },
            *("encounter", "IMP", "2024-01-01", "→ 2024-01-05 骨折"),
        ),
        (
            {
                "resourceType": "ImagingStudy",
                "series": [{"modality": {"code": "MR"}, "bodySite": {"code": "HEAD"}, "numberOfInstances": 3}],
                "referrer": {"display": "x"},
            },
            *("image", "MR", "", "HEAD ×3"),
        ),
        ({"resourceType": "ImagingStudy"}, "image", "—", "", ""),
        (
            {
                "resourceType": "DocumentReference",
                "type": {"text": "要約"},
                "content": [{"attachment": {"title": "退院時要約"}}],
                "context": {"period": {"start": "2024-01-03"}},
            },
            *("document", "退院時要約", "2024-01-03", "要約"),
        ),
        ({"resourceType": "DocumentReference", "type": {"text": "要約"}}, "document", "要約", "", ""),
    ],
)
def test_a_resource_becomes_a_line(body: dict[str, Any], kind: str, title: str, day: str, detail: str) -> None:
    made = line(**body)

    assert made is not None
    assert (made.kind, made.title, made.day, made.detail) == (kind, title, day, detail)


@pytest.mark.parametrize(
    ("identifiers", "uid"),
    [
        ([{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}], "1.2.3"),
        ([{"system": "urn:dicom:uid", "value": "../../x"}], ""),
        ([{"system": "urn:other", "value": "1.2.3"}], ""),
        ([], ""),
    ],
)
def test_a_study_is_named_by_its_uid(identifiers: list[dict[str, str]], uid: str) -> None:
    assert study_uid({"identifier": identifiers}) == uid


def test_a_study_without_a_uid_has_no_thumbnails() -> None:
    made = line(resourceType="ImagingStudy", series=[{"uid": "1.2"}])

    assert made is not None
    assert [(one.uid, one.thumbnails) for one in studies([made])] == [("", ())]


def test_a_study_is_called_after_its_images_and_not_after_its_reports() -> None:
    def series(modality: str, number: int) -> dict[str, Any]:
        return {"uid": "1.2", "modality": {"code": modality}, "numberOfInstances": number}

    with_report = line(resourceType="ImagingStudy", series=[series("SR", 1), series("CT", 300), series("KO", 1)])
    report_alone = line(resourceType="ImagingStudy", series=[series("SR", 1)])

    assert with_report is not None
    assert report_alone is not None
    assert (with_report.title, with_report.detail) == ("CT", "×300")
    assert (report_alone.title, report_alone.detail) == ("SR", "×1")
