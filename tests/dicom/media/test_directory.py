"""A DICOMDIR that is written lists every file of pydicom's under the type of its class, and pydicom walks it."""

import warnings
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.fileset import FileSet

from dicom.failures import InvalidInstance
from dicom.media.directory import Directory
from dicom.media.listing import listed_files
from dicom.media.records import INSTANCE, record_type
from dicom.part10 import read_instance
from tests.app.imaging.images import CHR_H31, FILES, a_file


def written(folder: Path) -> dict[str, pydicom.Dataset]:
    """Write what can be read of pydicom's files with a DICOMDIR, and return their headers by their places."""
    directory, found = Directory("1.2.3"), {}
    for place in sorted((FILES / "test_files").glob("*.dcm")):
        try:
            instance = read_instance(place.read_bytes())
        except InvalidInstance:
            continue
        path = f"DICOM/IM{len(found) + 1:06d}"
        (folder / "DICOM").mkdir(exist_ok=True)
        (folder / path).write_bytes(place.read_bytes())
        directory.add(instance.file, path, has_pixels=instance.pixels is not None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[path] = pydicom.dcmread(place, stop_before_pixels=True)
    (folder / "DICOMDIR").write_bytes(directory.encoded())
    return found


def test_every_kind_of_instance_is_listed_where_pydicom_finds_it(tmp_path: Path) -> None:
    headers = written(tmp_path)

    assert len(headers) > 50
    assert {one.path for one in listed_files((tmp_path / "DICOMDIR").read_bytes())} == set(headers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        listed = FileSet(tmp_path / "DICOMDIR")
        by_uid = {one.SOPInstanceUID: one for one in listed}
        kinds = {one.DirectoryRecordType for one in pydicom.dcmread(tmp_path / "DICOMDIR").DirectoryRecordSequence}
    listed._stage["t"].cleanup()
    assert set(by_uid) == {ds.SOPInstanceUID for ds in headers.values()}
    for ds in headers.values():
        one = by_uid[ds.SOPInstanceUID]
        assert (one.StudyInstanceUID, one.SeriesInstanceUID) == (ds.StudyInstanceUID, ds.SeriesInstanceUID)
    assert kinds >= {"PATIENT", "STUDY", "SERIES", "IMAGE", "SR DOCUMENT", "WAVEFORM", "RT PLAN", "RT DOSE"}


def test_names_stay_in_their_own_character_set() -> None:
    directory = Directory("1.2.3")
    directory.add(read_instance(a_file(CHR_H31)).file, "A", has_pixels=False)

    ds = pydicom.dcmread(BytesIO(directory.encoded()))

    assert ds.DirectoryRecordSequence[0].PatientName == pydicom.dcmread(FILES / CHR_H31).PatientName
    assert str(ds.DirectoryRecordSequence[0].PatientName.ideographic) == "山田^太郎"


def test_what_may_not_lack_is_made_up() -> None:
    directory = Directory("1.2.3")
    bare = a_file(PatientID="", StudyID="", StudyDate="", SeriesNumber=None, InstanceNumber=None, Modality="")
    directory.add(read_instance(bare).file, "A", has_pixels=True)

    patient, study, series, image = pydicom.dcmread(BytesIO(directory.encoded())).DirectoryRecordSequence

    assert (patient.PatientID, study.StudyID, study.StudyDate) == ("UNKNOWN", "1", "")
    assert (series.Modality, series.SeriesNumber, image.InstanceNumber) == ("OT", 1, 1)


@pytest.mark.parametrize(
    ("uid", "pixels", "kind"),
    [
        ("1.2.840.10008.5.1.4.1.1.2", True, "IMAGE"),
        ("1.2.840.10008.5.1.4.1.1.88.59", False, "KEY OBJECT DOC"),
        ("1.2.840.10008.5.1.4.1.1.88.67", False, "SR DOCUMENT"),
        ("1.2.840.10008.5.1.4.1.1.11.1", False, "PRESENTATION"),
        ("1.2.840.10008.5.1.4.1.1.104.1", False, "ENCAP DOC"),
        ("1.2.840.10008.5.1.4.1.1.66.4", True, "IMAGE"),
        ("1.2.3.4", True, "IMAGE"),
        ("1.2.3.4", False, "PRIVATE"),
    ],
)
def test_a_class_has_its_type_of_record(uid: str, pixels: bool, kind: str) -> None:
    assert record_type(uid, has_pixels=pixels) == kind
    assert kind in INSTANCE
