"""Manifests that are no manifests, or contradict themselves; the published ones are read in tests/spec/test_mado.py."""

import io
from datetime import UTC, datetime

import pydicom
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from dicom.failures import InvalidInstance
from dicom.manifest.model import Manifest, ManifestInstance, ManifestSeries
from dicom.manifest.read import is_manifest, read_kos, zone
from dicom.part10 import read_instance

CT = "1.2.840.10008.5.1.4.1.1.2"


def item(**values):
    made = Dataset()
    with disable_value_validation():
        for name, value in values.items():
            setattr(made, name, Sequence(value) if isinstance(value, list) else value)
    return made


def a_title(value="113030", scheme="DCM", meaning="Manifest"):
    return [item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)]


def a_series(uid="1.2.3.1", *instances, **values):
    referenced = [item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=one) for one in instances or ("1.2.3.1.1",)]
    return item(SeriesInstanceUID=uid, ReferencedSOPSequence=referenced, **values)


def a_kos(*series, title=None, study="1.2.3", **values):
    """Return a plain Key Object Selection, as XDS-I.b knows it."""
    made = item(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.59",
        SOPInstanceUID="1.2.9",
        StudyInstanceUID="1.2.3",
        SeriesInstanceUID="1.2.8",
        Modality="KO",
        PatientID="P1",
        ConceptNameCodeSequence=title or a_title(),
        CurrentRequestedProcedureEvidenceSequence=[
            item(StudyInstanceUID=study, ReferencedSeriesSequence=list(series or (a_series(),)))
        ],
        **values,
    )
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    octets = io.BytesIO()
    with disable_value_validation():
        pydicom.dcmwrite(octets, made, enforce_file_format=True)
    return read_instance(octets.getvalue())


def test_a_plain_manifest_tells_what_is_referenced_and_where_it_is():
    series = a_series(
        "1.2.3.1",
        "1.2.3.1.1",
        "1.2.3.1.2",
        RetrieveURL="https://pacs.example/rs",
        RetrieveLocationUID="1.2.7",
        RetrieveAETitle="PACS",
    )

    found = read_kos(a_kos(series, ContentDate="20260401", ContentTime="120000"))

    assert isinstance(found, Manifest)
    assert found.created == datetime(2026, 4, 1, 3, tzinfo=UTC)
    assert found.series == (
        ManifestSeries(
            "1.2.3.1",
            (ManifestInstance(CT, "1.2.3.1.1"), ManifestInstance(CT, "1.2.3.1.2")),
            retrieve_url="https://pacs.example/rs",
            retrieve_location_uid="1.2.7",
            retrieve_ae_title="PACS",
        ),
    )
    assert found.number_of_instances == 2


@pytest.mark.parametrize(
    ("kos", "reason"),
    [
        (lambda: a_kos(title=a_title("113000", "DCM", "Of Interest")), "no manifest"),
        (lambda: a_kos(title=a_title("113030", "99X", "Manifest")), "no manifest"),
        (lambda: a_kos(study="1.2.4"), "nothing of its study"),
        (lambda: a_kos(item(SeriesInstanceUID="1.2.3.1", ReferencedSOPSequence=[])), "without instances"),
        (lambda: a_kos(a_series("1.2.3.1", "x")), "without a UID"),
        (lambda: a_kos(a_series("../1")), "without a UID"),
        (lambda: a_kos(a_series("1.2.3.1", "1.2.3.1.1", "1.2.3.1.1")), "twice"),
        (lambda: a_kos(a_series("1.2.3.1", "1.2.3.1.1"), a_series("1.2.3.1", "1.2.3.1.2")), "twice"),
    ],
    ids=[
        "a note about key images",
        "a title of another scheme",
        "another study's evidence",
        "a series of nothing",
        "an instance's UID is none",
        "a series' UID is none",
        "an instance twice",
        "a series twice",
    ],
)
def test_what_is_no_manifest_is_refused_with_its_reason(kos, reason):
    with pytest.raises(InvalidInstance, match=reason):
        read_kos(kos())


def test_an_image_is_no_manifest():
    instance = a_kos()
    object.__setattr__(instance, "sop_class_uid", CT)

    assert not is_manifest(instance)


@pytest.mark.parametrize(
    ("offset", "minutes"),
    [("+0100", 60), ("-0330", -210), ("", 540), ("0900", 540), ("+9999", 540), ("+1400", 840)],
)
def test_a_zone_that_is_none_is_that_of_japan(offset, minutes):
    assert zone(offset).utcoffset(None).total_seconds() == minutes * 60
