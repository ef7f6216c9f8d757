from io import BytesIO

import orjson
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.directory import Organisation
from app.imaging.imaging_study import imaging_study
from app.imaging.patient import issuer, patient, system
from dicom.indexing import StudyFacts, indexed
from dicom.names import person_name
from dicom.part10 import read_instance
from fhir.profiles.structure import check
from fhir.resource import parse
from tests.app.imaging.images import CT, a_file

HOSPITAL = Organisation(1, "hospital-a", "", "hospital", "0110000001", "hospital-a")
OFFICE = Organisation(2, "office", "", "secretariat", "", "office")


def _issuer(data: bytes) -> str:
    instance = read_instance(data)
    return issuer(instance.file, indexed(instance).study)


def _qualified(entity: str, kind: str) -> bytes:
    ds = pydicom.dcmread(BytesIO(a_file(CT)))
    item = pydicom.Dataset()
    item.UniversalEntityID, item.UniversalEntityIDType = entity, kind
    ds.IssuerOfPatientID = "HOSP"
    ds.IssuerOfPatientIDQualifiersSequence = [item]
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


@pytest.mark.parametrize(
    ("entity", "kind", "expected"),
    [
        ("1.2.392.1", "ISO", "urn:oid:1.2.392.1"),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "UUID", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("http://hospital.example/patients", "URI", "http://hospital.example/patients"),
        ("hospital.example", "DNS", "HOSP"),
        ("not an address", "URI", "HOSP"),
    ],
)
def test_the_universal_entity_id_names_the_issuer(entity: str, kind: str, expected: str) -> None:
    assert _issuer(_qualified(entity, kind)) == expected


@pytest.mark.parametrize(
    ("stated", "expected"),
    [("", ""), ("1.2.392.1", "urn:oid:1.2.392.1"), ("urn:oid:1.2.3", "urn:oid:1.2.3"), ("12345", "12345")],
)
def test_the_issuer_may_be_stated_in_one_text(stated: str, expected: str) -> None:
    assert _issuer(a_file(CT, IssuerOfPatientID=stated)) == expected


@pytest.mark.parametrize(
    ("stated", "site", "expected"),
    [
        ("", HOSPITAL, "urn:oid:1.2.392.100495.20.3.51.10110000001"),
        ("", OFFICE, "http://renkei.example/fhir/NamingSystem/issuer-of-patient-id/office"),
        ("urn:oid:1.2.3", HOSPITAL, "urn:oid:1.2.3"),
        ("A/B", HOSPITAL, "http://renkei.example/fhir/NamingSystem/issuer-of-patient-id/hospital-a/A%2FB"),
    ],
    ids=["the site's own", "a site without a number", "a URI", "a name of the site's"],
)
def test_a_number_belongs_to_its_issuer(stated: str, site: Organisation, expected: str) -> None:
    assert system(stated, site) == expected


def test_what_fhir_does_not_allow_is_left_out() -> None:
    values = {
        "PatientID": "1",
        "PatientName": "^^^Dr",
        "PatientBirthDate": "20010229",
        "PatientSex": "U",
    }
    study = indexed(read_instance(a_file(CT, **values))).study

    found = patient(study, "urn:oid:1.2.3")

    assert found == {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.3", "value": "1"}],
        "name": [
            {
                "extension": [
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation",
                        "valueCode": "ABC",
                    }
                ],
                "text": "Dr",
                "prefix": ["Dr"],
            }
        ],
    }


@given(st.builds(dict, **dict.fromkeys(StudyFacts.__dataclass_fields__, st.text(max_size=20))))
def test_whatever_a_header_says_the_resources_are_valid(texts: dict[str, str]) -> None:
    names = {name: person_name(texts[name]) for name in ("patient_name", "referring_physician_name")}
    study = StudyFacts(**{**texts, **names, "study_instance_uid": "1.2", "patient_id": "1"})

    for resource in (
        patient(study, system(study.issuer_of_patient_id, HOSPITAL)),
        imaging_study(study, [], [], subject="Patient/1"),
    ):
        assert [one for one in check(parse(orjson.dumps(resource))) if one.severity == "error"] == []
