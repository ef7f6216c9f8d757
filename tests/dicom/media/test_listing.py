"""What a DICOMDIR lists: of pydicom's own, whole and broken, and of bytes that are none."""

import random
import warnings

import pydicom
import pytest

from dicom.failures import InvalidInstance
from dicom.media.listing import comparable, listed_files
from tests.media import DISC


@pytest.mark.parametrize("name", ["", "-bigEnd", "-implicit", "-nopatient", "-reordered"])
def test_a_directory_lists_what_pydicom_reads_in_it(name: str) -> None:
    data = (DISC / f"DICOMDIR{name}").read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        records = pydicom.dcmread(DISC / f"DICOMDIR{name}").DirectoryRecordSequence

    found = listed_files(data)

    expected = ["/".join(one.ReferencedFileID) for one in records if "ReferencedFileID" in one]
    assert [one.path for one in found] == expected
    assert len(found) == 31
    assert {one.record_type for one in found} == {"IMAGE"}
    assert all((DISC / one.path).is_file() for one in found)


def test_a_directory_of_nothing_lists_nothing() -> None:
    assert listed_files((DISC / "DICOMDIR-empty.dcm").read_bytes()) == []


def test_whatever_the_bytes_are_there_is_a_list_or_a_reason() -> None:
    whole = (DISC / "DICOMDIR").read_bytes()
    chance = random.Random(54)
    read = refused = 0
    for turn in range(400):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 20)):
            broken[chance.randrange(132, len(broken))] = chance.randrange(256)
        cut = chance.randrange(len(broken)) if turn % 4 == 0 else len(broken)
        try:
            listed_files(bytes(broken[:cut]))
            read += 1
        except InvalidInstance:
            refused += 1
    assert read
    assert refused


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DICOM/ST1/IM1", "dicom\\st1\\im1"),
        ("IMAGES/A.;1", "images/a"),
        ("IMAGES/A;1", "IMAGES/A."),
        ("/A//B", "a/b"),
    ],
)
def test_names_are_compared_as_a_disc_has_them(one: str, other: str) -> None:
    assert comparable(one) == comparable(other)


def test_a_semicolon_that_is_no_version_stays() -> None:
    assert comparable("A;B") == "a;b"
    assert comparable(";1") == ";1"
