"""Manifests as they are written: what must be cut, what must be said otherwise, and how long they may be."""

import io
from datetime import UTC, datetime

import pydicom
import pytest

from dicom.concept import Code
from dicom.manifest import codes
from dicom.manifest.encode import data_set
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestSeries
from dicom.manifest.read import read_kos
from dicom.manifest.write import write_kos
from dicom.names import PersonName
from dicom.part10 import read_instance

CT, ECG, REPORT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.9.1.1", "1.2.840.10008.5.1.4.1.1.88.22"


def a_manifest(*instances, **values):
    series = ManifestSeries("1.2.3.1", instances or (ManifestInstance(CT, "1.2.3.1.1"),), modality="CT")
    return Manifest(
        "1.2.9",
        datetime(2026, 4, 1, 15, 0, tzinfo=UTC),
        "1.2.3",
        (series,),
        codes.MANIFEST_WITH_DESCRIPTION,
        **values,
    )


def written(manifest):
    return pydicom.dcmread(io.BytesIO(write_kos(manifest)))


def test_it_is_dated_in_the_zone_that_it_states():
    made = written(a_manifest(timezone_offset_from_utc="-0330"))

    assert (made.ContentDate, made.ContentTime, made.TimezoneOffsetFromUTC) == ("20260401", "113000.000000", "-0330")


def test_a_manifest_that_states_no_zone_has_that_of_japan():
    made = written(a_manifest())

    assert (made.ContentDate, made.ContentTime, made.TimezoneOffsetFromUTC) == ("20260402", "000000.000000", "+0900")


def test_its_own_series_is_named_after_it_and_is_no_series_of_the_study():
    first, again, other = (
        written(one).SeriesInstanceUID for one in (a_manifest(), a_manifest(study_description="x"), a_manifest())
    )

    assert first == again == other
    assert first.startswith("2.25.")


@pytest.mark.parametrize(("kind", "value_type"), [(CT, "IMAGE"), (ECG, "WAVEFORM"), (REPORT, "COMPOSITE")])
def test_a_reference_says_what_it_refers_to(kind, value_type):
    made = written(a_manifest(ManifestInstance(kind, "1.2.3.1.1")))

    assert made.ContentSequence[-1].ValueType == value_type


def test_japanese_names_keep_their_three_groups():
    name = PersonName("Yamada^Tarou", "山田^太郎", "やまだ^たろう")

    assert str(written(a_manifest(patient_name=name)).PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("urn:oid:1.2.3", ("1.2.3", "ISO")),
        ("urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", ("53fefa32-fcbb-4ff8-8a92-55ee120877b7", "UUID")),
        ("https://hospital.example/mrn", ("https://hospital.example/mrn", "URI")),
    ],
)
def test_an_issuer_is_named_by_its_kind_of_identifier(system, expected):
    made = written(a_manifest(patient_id=Issued("1", system)))

    (entity,) = made.IssuerOfPatientIDQualifiersSequence
    assert (entity.UniversalEntityID, entity.UniversalEntityIDType) == expected


def test_a_text_is_cut_between_characters_to_what_its_element_holds():
    made = data_set({"StudyDescription": "胸" * 100})

    assert made[8:].decode() == "胸" * 85 + " "


def test_what_is_no_keyword_is_no_element():
    with pytest.raises(KeyError):
        data_set({"NoSuchKeyword": ""})


def test_a_code_that_is_a_text_alone_survives():
    manifest = a_manifest(procedures=(Code("", "", "頭部単純CT(造影なし、3D再構成あり)"),))

    assert read_kos(read_instance(write_kos(manifest))).procedures == manifest.procedures


def test_the_manifest_of_a_long_study_is_read():
    """Each instance is there three times: more elements than any other instance may have."""
    slices = tuple(ManifestInstance(CT, f"1.2.392.200036.9116.2.6.1.48.{number}", number) for number in range(1200))
    manifest = a_manifest(*slices)

    octets = write_kos(manifest)

    assert read_kos(read_instance(octets)).series[0].instances == slices
