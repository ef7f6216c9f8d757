import logging
import struct
import warnings
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest

from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.image_pixel import ImagePixel
from dicom.json_model import data_set_model
from dicom.part10 import read_instance
from dicom.pixel_array import decode_frame
from dicom.transcoding import explicit_little_endian_frame, file_header, to_explicit_little_endian
from dicom.transfer_syntaxes import TRANSFER_SYNTAXES
from tests.dicom.making import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    UIDS,
    UNDEFINED,
    element,
    file,
    fragments,
    image,
    implicit,
    instance,
    pydicom_file,
)

JPEG_LS = "1.2.840.10008.1.2.4.80"


def array(found, index=0):
    return decode_frame(found.pixels.image, found.file.transfer_syntax, frame(found, index))


@pytest.mark.parametrize(
    "name",
    ["MR_small_implicit.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "SC_rgb_small_odd_big_endian.dcm",
     "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "J2K_pixelrep_mismatch.dcm", "SC_rgb_jpeg_gdcm.dcm",
     "examples_ybr_color.dcm", "rtdose_rle.dcm", "rtdose_expb.dcm", "JPGExtended.dcm"],
)  # fmt: skip
def test_an_instance_keeps_its_pixels_in_explicit_little_endian(name):
    before = read_instance(pydicom_file(name))

    after = read_instance(to_explicit_little_endian(before))

    assert after.file.transfer_syntax.uid == EXPLICIT
    assert after.sop_instance_uid == before.sop_instance_uid
    assert len(after.pixels.frames) == len(before.pixels.frames)
    for index in (0, len(before.pixels.frames) - 1):
        np.testing.assert_array_equal(array(after, index), array(before, index))


def test_what_is_not_pixels_stays_the_same():
    before = read_instance(pydicom_file("rtplan.dcm"))

    after = read_instance(to_explicit_little_endian(before))

    assert data_set_model(after.file) == data_set_model(before.file)


def test_an_explicit_file_is_given_as_it_is():
    data = pydicom_file("CT_small.dcm")

    assert to_explicit_little_endian(read_instance(data)) == data


def test_other_readers_read_the_result():
    data = to_explicit_little_endian(read_instance(pydicom_file("SC_rgb_jpeg_gdcm.dcm")))
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(data))
    logging.disable(logging.NOTSET)

    assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID
    assert ds.file_meta.ImplementationVersionName == "RENKEI"
    assert (ds.PhotometricInterpretation, ds.PlanarConfiguration) == ("RGB", 0)
    assert ds.pixel_array[5, 5].tolist() == [255, 0, 0]


def test_a_header_has_values_of_even_length():
    found = read_instance(instance({0x00080018: ("UI", b"1.2.345")}))

    assert len(file_header(found)) % 2 == 0


def test_a_native_frame_is_given_as_it_is_and_a_swapped_one_turned():
    little, big = (read_instance(pydicom_file(name)) for name in ("liver_1frame.dcm", "liver_expb_1frame.dcm"))
    rows = [
        explicit_little_endian_frame(found.pixels.image, found.file.transfer_syntax, frame(found, 0))
        for found in (little, big)
    ]

    assert rows[0] == frame(little, 0)
    assert rows[0] == rows[1]


def test_a_decoded_frame_fills_the_bits_allocated():
    found = read_instance(pydicom_file("MR_small_jp2klossless.dcm"))

    raw = explicit_little_endian_frame(found.pixels.image, found.file.transfer_syntax, frame(found, 0))

    assert raw == frame(read_instance(pydicom_file("MR_small.dcm")), 0)


def test_a_one_bit_frame_is_packed_again():
    pixels = np.array([[1, 0, 0, 0, 0, 0, 0, 0, 1]], np.uint8)
    one_bit = ImagePixel(1, 9, 1, 1, 1, 0, 0, "MONOCHROME2", 1)
    stored = imagecodecs.jpegls_encode(pixels)

    assert explicit_little_endian_frame(one_bit, TRANSFER_SYNTAXES[JPEG_LS], stored) == b"\x01\x01"


def test_words_outside_the_pixels_are_turned_as_well():
    elements = {tag: (b"UI", value) for tag, (_, value) in UIDS.items()}
    elements[0x00080018] = (b"UI", b"1.2.3.44")
    body = b"".join(
        struct.pack(">HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value for tag, (vr, value) in elements.items()
    )
    curve = struct.pack(">HH2sHL", 0x5400, 0x1010, b"OW", 0, 4) + b"\x01\x02\x03\x04"

    after = read_instance(to_explicit_little_endian(read_instance(file(body + curve, BIG))))

    assert data_set_model(after.file)["54001010"] == {"vr": "OW", "InlineBinary": "AgEEAw=="}


def test_extended_offset_tables_go_with_the_fragments_they_describe():
    rle = frame(read_instance(pydicom_file("MR_small_RLE.dcm")), 0)
    offsets = element(0x7FE00001, "OV", bytes(8)) + element(0x7FE00002, "OV", len(rle).to_bytes(8, "little"))
    pixels = offsets + element(0x7FE00010, "OB", b"", UNDEFINED) + fragments(rle)
    before = read_instance(instance(image(rows=64, columns=64, bits=16), "1.2.840.10008.1.2.5", pixels))

    after = read_instance(to_explicit_little_endian(before))

    assert 0x7FE00001 not in after.file.data_set
    assert after.pixels.element.vr == "OW"


def test_pixels_that_do_not_fit_into_memory_are_refused(monkeypatch):
    monkeypatch.setattr("dicom.transcoding.MAX_PIXEL_BYTES", 1000)

    with pytest.raises(InvalidInstance, match="the pixel data is larger than 1000 bytes"):
        to_explicit_little_endian(read_instance(pydicom_file("MR_small_RLE.dcm")))


def test_what_cannot_be_rewritten_is_refused():
    elements = {tag: value for tag, (_, value) in UIDS.items()} | {0x00209057: b"abc"}
    body = b"".join(implicit(tag, value) for tag, value in sorted(elements.items()))
    broken = file(body, IMPLICIT)

    with pytest.raises(InvalidInstance, match="the instance cannot be rewritten"):
        to_explicit_little_endian(read_instance(broken))
