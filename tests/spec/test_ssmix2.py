"""Published files of a standard store, with the faults that were planted in them.

nhoHQ/SSMIX2DataTestingTool, sampleData (Apache-2.0): seven of them, most of which name another patient than their path.
"""

from pathlib import Path

import pytest

from app.exchange.hl7v2.message import parse
from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.understand import Refused, Understood, understand
from fhir import exact
from fhir.profiles.structure import check
from tests.spec_data import SPEC_DATA

ROOT = SPEC_DATA / "ssmix2"
SITE = Source(custodian="site", institution="0110123456")
MADE = {
    "ADT-00": "Patient Coverage AllergyIntolerance Observation Observation Observation Observation",
    "ADT-22": "Patient Encounter",
    "ADT-61": "Patient AllergyIntolerance AllergyIntolerance AllergyIntolerance AllergyIntolerance",
    "OMG-01": "Patient Observation ServiceRequest ServiceRequest ServiceRequest ServiceRequest ServiceRequest",
    "OML-11": "Patient Specimen Observation Observation Observation DiagnosticReport",
    "OMP-01": "Patient MedicationRequest MedicationRequest MedicationRequest",
    "PPR-01": "Patient Condition Coverage",
}
OF_ANOTHER_PATIENT = {
    "ADT-61": "the file of patient 9999013 holds a message of patient 12345678",
    "OMG-01": "the file of patient 9999013 holds a message of patient 12345678",
    "OML-11": "the file of patient 9999013 holds a message of patient 0001000052",
    "PPR-01": "the file of patient 9999013 holds a message of patient 1234567890",
}


def the_file(kind: str) -> Path:
    (path,) = (each for each in ROOT.rglob("*_*_*") if each.is_file() and each.parent.name == kind)
    return path


@pytest.mark.parametrize("kind", MADE)
def test_each_published_file_becomes_valid_resources(kind):
    message = parse(the_file(kind).read_bytes())

    found = resources(message, SITE, kind=kind)

    assert (message.charset, found.findings) == ("iso2022_jp", ())
    assert " ".join(entry.key.type for entry in found.entries) == MADE[kind]
    for entry in found.entries:
        assert check(exact.read(exact.write(entry.resource))) == []


@pytest.mark.parametrize("kind", MADE)
def test_a_file_of_another_patient_is_told_by_its_segment(kind):
    path = the_file(kind)

    found = understand(path.relative_to(ROOT).as_posix(), path.read_bytes(), SITE)

    if kind in OF_ANOTHER_PATIENT:
        assert isinstance(found, Refused)
        (finding,) = found.findings
        assert (finding.segment, finding.index, finding.field) == ("PID", 1, 3)
        assert finding.text == OF_ANOTHER_PATIENT[kind]
    else:
        assert isinstance(found, Understood)


def _broken(kind: str, old: bytes, new: bytes) -> bytes:
    body = the_file(kind).read_bytes()
    assert old in body
    return body.replace(old, new)


@pytest.mark.parametrize(
    ("body", "path", "segment", "index", "field"),
    [
        (b"", "", "", 0, 0),
        (b"\r\n", "", "", 0, 0),
        (_broken("OMP-01", b"RDE^O11", b"XYZ^Q99"), "", "MSH", 1, 9),
        (_broken("OMP-01", b"\rPV1|", b"\rPID|2||777\rPV1|"), "", "PID", 2, 3),
        (the_file("OMP-01").read_bytes()[:700], "", "ORC", 1, 0),
        (the_file("OMP-01").read_bytes(), "999/901/9999013/20111220/OMP-01/", "", 0, 0),
        (the_file("OMP-01").read_bytes(), "999/901/9999013/20110701/ADT-31/", "", 0, 0),
    ],
    ids=["empty", "blank", "unknown type", "two patients", "cut within a character", "wrong day", "wrong folder"],
)
def test_a_planted_fault_is_refused_by_file_and_segment(body, path, segment, index, field):
    file = the_file("OMP-01").relative_to(ROOT)

    found = understand(f"{path}{file.name}" if path else file.as_posix(), body, SITE)

    assert isinstance(found, Refused)
    finding = found.findings[0]
    assert (finding.segment, finding.index, finding.field) == (segment, index, field)


def test_a_junk_line_is_told_and_the_rest_is_taken():
    body = _broken("OMP-01", b"\rPV1|", b"\rAL1\rjunk\rPV1|")

    found = understand(the_file("OMP-01").relative_to(ROOT).as_posix(), body, SITE)

    assert isinstance(found, Understood)
    assert [(each.segment, each.index) for each in found.findings] == [("", 3), ("", 4)]
    assert len(found.pieces) == 3


def test_date_of_birth_and_sex_exchanged_are_told():
    body = _broken("ADT-00", b"||19480405|M", b"||M|19480405")

    found = understand(the_file("ADT-00").relative_to(ROOT).as_posix(), body, SITE)

    assert isinstance(found, Understood)
    assert [(each.segment, each.index, each.field) for each in found.findings] == [("PID", 1, 7)]
    assert b"birthDate" not in found.patient.body
