"""Identifiers: what a C-FIND asks, and what a C-MOVE names."""

from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmwrite

from dicom.attributes import Level
from dicom.failures import InvalidInstance
from dicom.services.data_sets import Small, read, write
from dicom.services.identifiers import InvalidIdentifier, answered, asked, wanted
from tests.dimse import asking

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


def small(ds: Dataset, syntax: str = EXPLICIT) -> Small:
    out = BytesIO()
    dcmwrite(out, ds, implicit_vr=syntax == IMPLICIT, little_endian=True, enforce_file_format=False)
    return read(out.getvalue(), syntax)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_values_are_conditions_and_empty_keys_are_asked_for(syntax: str) -> None:
    identifier = asking("STUDY", PatientName="Y*", StudyDate="", ModalitiesInStudy=["CT", "MR"], StudyComments="x")

    found = asked(small(identifier, syntax), patient_root=False)

    assert (found.word, found.level) == ("STUDY", Level.STUDY)
    assert dict(found.pairs) == {"00100010": "Y*", "00080061": "CT\\MR"}
    assert found.returned == {0x00100010, 0x00080020, 0x00080061, 0x0020000D}
    assert found.is_partly_unsupported


@pytest.mark.parametrize(
    ("identifier", "patient_root"),
    [
        (asking("PATIENT", PatientID="1"), False),
        (asking("STUDY"), False),
        (asking("SERIES", StudyInstanceUID="1.2"), False),
        (asking("IMAGE", StudyInstanceUID="1.2", SeriesInstanceUID="1.3"), True),
        (asking("STUDY", StudyInstanceUID="1.2.x"), True),
        (asking("PATIENT", PatientID="1*"), True),
        (asking("PATIENT"), True),
        (Dataset(), True),
    ],
)
def test_what_is_retrieved_is_named_by_its_unique_keys(identifier: Dataset, patient_root: bool) -> None:
    with pytest.raises(InvalidIdentifier):
        wanted(small(identifier), patient_root=patient_root)


def test_lists_of_uids_are_taken_apart() -> None:
    found = wanted(small(asking("STUDY", StudyInstanceUID=["1.2", "1.3", "1.2"])), patient_root=False)

    assert (found.word, found.studies, found.series, found.instances) == ("STUDY", ("1.2", "1.3"), (), ())


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT])
def test_an_answer_is_read_by_others_as_it_was_meant(syntax: str) -> None:
    question = asked(small(asking("STUDY", PatientName="", StudyDescription="", Rows=None)), patient_root=False)
    names = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}
    result: dict[str, Any] = {
        "00100010": {"vr": "PN", "Value": [names]},
        "0020000D": {"vr": "UI", "Value": ["1.2.3"]},
        "00081190": {"vr": "UR", "Value": ["http://hub/"]},
    }

    octets = write(answered(question, result, "RENKEI"), syntax, "\\ISO 2022 IR 87")

    found = read(octets, syntax)
    assert found.text(0x00100010) == "Yamada^Tarou=山田^太郎"
    assert sorted(found.elements) == [
        *(0x00080005, 0x00080052, 0x00080054, 0x00080056, 0x00081030, 0x00100010, 0x0020000D)
    ]
    assert len(octets) % 2 == 0


@given(st.binary(max_size=200), st.sampled_from([IMPLICIT, EXPLICIT]))
def test_any_octets_are_an_identifier_or_refused(octets: bytes, syntax: str) -> None:
    try:
        asked(read(octets, syntax), patient_root=True)
    except (InvalidInstance, InvalidIdentifier):
        return
