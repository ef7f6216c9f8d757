import pytest

from dicom.failures import InvalidInstance
from dicom.frames import frame, stored_frame
from dicom.part10 import read_instance
from tests.dicom.making import EXPLICIT, UNDEFINED, element, fragments, image, instance, pydicom_file

PIXELS = 0x7FE00010


def test_a_native_frame_is_a_slice_of_the_file():
    found = read_instance(instance({**image(frames=2), PIXELS: ("OB", b"abcdefghijkl")}))

    assert [frame(found, index) for index in range(2)] == [b"abcdef", b"ghijkl"]


def test_the_fragments_of_a_frame_are_joined():
    pixels = element(PIXELS, "OB", b"", UNDEFINED) + fragments(b"ab", b"cd")

    assert frame(read_instance(instance(image(), "1.2.840.10008.1.2.5", pixels)), 0) == b"abcd"


def test_one_bit_frames_are_shifted_to_their_first_bit():
    bits = image(rows=3, columns=3, bits=1, frames=2)
    # Nine ones, then 0 1 0 0 0 0 0 0 1, the lowest bit first.
    found = read_instance(instance({**bits, PIXELS: ("OB", b"\xff\x05\x02\0")}))

    assert frame(found, 0) == b"\xff\x01"
    assert frame(found, 1) == b"\x02\x01"


def test_a_stored_frame_is_read_where_the_table_says(tmp_path):
    data = pydicom_file("rtdose_rle.dcm")
    found = read_instance(data)
    asked = []

    def read(offset, length):
        asked.append((offset, length))
        return data[offset : offset + length]

    stored = stored_frame(read, found.pixels.frames.pack(), 14)

    assert stored == frame(found, 14)
    assert asked == list(found.pixels.frames.spans[14])


def test_an_instance_without_pixels_has_no_frame():
    with pytest.raises(InvalidInstance, match="no pixel data"):
        frame(read_instance(instance(transfer_syntax=EXPLICIT)), 0)


def test_there_is_no_frame_after_the_last():
    with pytest.raises(IndexError):
        frame(read_instance(pydicom_file("CT_small.dcm")), 1)
