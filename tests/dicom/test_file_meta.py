"""The head that a data set without one gets, and where the data set of a file starts."""

from io import BytesIO

import pydicom
import pytest

from dicom.failures import InvalidInstance
from dicom.file_meta import data_set_start, file_meta
from tests.app.imaging.images import CT, DEFLATED, J2K, a_file


def test_a_head_says_what_the_data_set_is_and_nothing_of_its_sender() -> None:
    head = file_meta("1.2.840.10008.5.1.4.1.1.2", "1.2.3", "1.2.840.10008.1.2.1")
    meta = pydicom.dcmread(BytesIO(head + b"\x08\0\x16\0UI\x04\x001.2\0")).file_meta

    assert head[:132] == bytes(128) + b"DICM"
    assert {one.keyword: one.value for one in meta} == {
        "FileMetaInformationGroupLength": len(head) - 144,
        "FileMetaInformationVersion": b"\0\1",
        "MediaStorageSOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
        "MediaStorageSOPInstanceUID": "1.2.3",
        "TransferSyntaxUID": "1.2.840.10008.1.2.1",
        "ImplementationClassUID": "2.25.80302813137786398554742050926734630921",
        "ImplementationVersionName": "RENKEI",
    }


@pytest.mark.parametrize("name", [CT, J2K, DEFLATED])
def test_the_data_set_starts_after_the_head(name: str) -> None:
    file = a_file(name)

    assert data_set_start(file[:4096]) == 144 + int.from_bytes(file[140:144], "little")


@pytest.mark.parametrize("head", [b"", bytes(200), a_file(CT)[:150], a_file(CT)[:142]])
def test_a_head_without_an_end_is_refused(head: bytes) -> None:
    with pytest.raises(InvalidInstance):
        data_set_start(head)
