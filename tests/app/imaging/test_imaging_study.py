import pytest

from app.imaging.imaging_study import imaging_study, started
from dicom.indexing import SeriesFacts, StudyFacts
from dicom.names import PersonName
from dicom.results import Found
from dicom.store.read import ListedRow
from fhir.profiles.structure import check


@pytest.mark.parametrize(
    ("date", "time", "offset", "expected"),
    [
        ("20240501", "093000", "", "2024-05-01T09:30:00+09:00"),
        ("20240501", "093000.123", "+0000", "2024-05-01T09:30:00+00:00"),
        ("20240501", "093000", "-0330", "2024-05-01T09:30:00-03:30"),
        ("20240501", "093000", "+1430", "2024-05-01T09:30:00+09:00"),
        ("20240501", "093000", "JST", "2024-05-01T09:30:00+09:00"),
        ("20240501", "", "", "2024-05-01"),
        ("20240501", "235960", "", "2024-05-01T23:59:59+09:00"),
        ("20240501", "236100", "", "2024-05-01"),
        ("20240501", "240000", "", "2024-05-01"),
        ("", "093000", "", None),
        ("", "", "", None),
        ("20240230", "", "", None),
        ("20240230", "093000", "", None),
    ],
)
def test_a_study_begins_at_its_date_and_time(date: str, time: str, offset: str, expected: str | None) -> None:
    assert started(date, time, offset) == expected


def _study(**values: object) -> StudyFacts:
    empty = dict.fromkeys(StudyFacts.__dataclass_fields__, "")
    return StudyFacts(**{**empty, "study_instance_uid": "1.2", "referring_physician_name": PersonName(), **values})


def _found(series: SeriesFacts, number: int) -> Found:
    return Found(1, 1, 1, _study(), series, None, (), 0, number)


def test_a_series_begins_in_the_zone_of_its_study() -> None:
    series = SeriesFacts("1.2.3", "CT", 1, "", "20240501", "093000", "", "", "", "")
    study = _study(study_date="20240501", study_time="090000", timezone_offset_from_utc="+0000")

    found = imaging_study(study, [_found(series, 1)], [], subject="Patient/1")

    assert found["started"] == "2024-05-01T09:00:00+00:00"
    assert found["series"][0]["started"] == "2024-05-01T09:30:00+00:00"


def test_it_is_a_valid_resource_whatever_the_header_says() -> None:
    series = SeriesFacts("1.2.3", "", -1, " \x1b ", "", "", "CHEST\x00", "", "", "")
    instances = [ListedRow("1.2.3", f"1.2.3.{n}", "1.2.840", 2**40) for n in (1, 2)]
    study = _study(accession_number="A1", referring_physician_name=PersonName("Satou^Hanako", "佐藤^花子"))

    found = imaging_study(study, [_found(series, 2)], instances, subject="Patient/1")

    assert check(found) == []
    assert found == {
        "resourceType": "ImagingStudy",
        "identifier": [
            {"system": "urn:dicom:uid", "value": "urn:oid:1.2"},
            {
                "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
                "value": "A1",
            },
        ],
        "status": "available",
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "OT"}],
        "subject": {"reference": "Patient/1"},
        "referrer": {"display": "佐藤 花子"},
        "numberOfSeries": 1,
        "numberOfInstances": 2,
        "series": [
            {
                "uid": "1.2.3",
                "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "OT"},
                "numberOfInstances": 2,
                "bodySite": {"display": "CHEST"},
                "instance": [
                    {"uid": "1.2.3.1", "sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840"}},
                    {"uid": "1.2.3.2", "sopClass": {"system": "urn:ietf:rfc:3986", "code": "urn:oid:1.2.840"}},
                ],
            }
        ],
    }
