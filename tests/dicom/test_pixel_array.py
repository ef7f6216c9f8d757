import dataclasses
import logging
import struct
import warnings
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array

from dicom import code_stream
from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.image_pixel import ImagePixel
from dicom.part10 import read_instance
from dicom.pixel_array import decode_frame
from dicom.transfer_syntaxes import TRANSFER_SYNTAXES
from tests.dicom.making import BIG, EXPLICIT, J2K, JPEG, PYDICOM, RLE, pydicom_file

WITHOUT_A_SECOND_DECODER = {
    "GDCMJ2K_TextGBR.dcm",  # Pillow refuses its JP2 header
    "JPEG-lossy.dcm",
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "JPGExtended.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
}
BROKEN = {
    "badVR.dcm",
    "ExplVR_BigEndNoMeta.dcm",
    "ExplVR_LitEndNoMeta.dcm",
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "MR_truncated.dcm",
    "no_meta.dcm",
    "meta_missing_tsyntax.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
}
WITHOUT_PIXELS = {
    "empty_charset_LEI.dcm",
    "nested_priv_SQ.dcm",
    "no_meta_group_length.dcm",
    "priv_SQ.dcm",
    "reportsi.dcm",
    "reportsi_with_empty_number_tags.dcm",
    "rtplan.dcm",
    "rtplan_truncated.dcm",
    "rtstruct.dcm",
    "test-SR.dcm",
    "UN_sequence.dcm",
    "waveform_ecg.dcm",
}
GREY = ImagePixel(2, 3, 1, 8, 8, 0, 0, "MONOCHROME2", 1)


def decoded(name, index=0):
    found = read_instance(pydicom_file(name))
    return decode_frame(found.pixels.image, found.file.transfer_syntax, frame(found, index))


def of(image, stored, transfer_syntax=EXPLICIT):
    return decode_frame(image, TRANSFER_SYNTAXES[transfer_syntax], stored)


@pytest.mark.parametrize(
    "name",
    sorted(
        {path.name for path in (PYDICOM / "test_files").glob("*.dcm")}
        - WITHOUT_A_SECOND_DECODER
        - BROKEN
        - WITHOUT_PIXELS
    ),
)
def test_pixels_are_those_that_pydicom_decodes(name):
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pixel_array(pydicom.dcmread(BytesIO(pydicom_file(name))), index=0)
    logging.disable(logging.NOTSET)

    np.testing.assert_array_equal(decoded(name), theirs)


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_rle.dcm"),
        ("rtdose_rle.dcm", "rtdose.dcm"),
        ("rtdose_expb.dcm", "rtdose.dcm"),
    ],
)
def test_lossless_pixels_are_those_of_the_original(name, original):
    np.testing.assert_array_equal(decoded(name), decoded(original))


def test_twelve_bit_jpeg_is_decoded():
    array = decoded("JPGExtended.dcm")

    assert (array.shape, array.dtype, int(array.max())) == ((1024, 256), np.uint16, 264)


def test_htj2k_is_decoded():
    pixels = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    image = ImagePixel(64, 64, 1, 16, 16, 0, 0, "MONOCHROME2", 1)

    found = of(image, imagecodecs.htj2k_encode(pixels, reversible=True), "1.2.840.10008.1.2.4.201")

    np.testing.assert_array_equal(found, pixels)


def test_the_last_frame_is_its_own():
    assert not np.array_equal(decoded("rtdose.dcm", 14), decoded("rtdose.dcm", 0))


def test_bits_above_bits_stored_are_no_pixels():
    image = dataclasses.replace(GREY, rows=1, columns=2, bits_allocated=16, bits_stored=12)

    assert of(image, struct.pack("<2H", 0xF001, 0x0FFF)).tolist() == [[1, 4095]]


def test_the_sign_is_the_headers():
    image = dataclasses.replace(GREY, rows=1, columns=2, bits_allocated=16, bits_stored=12, pixel_representation=1)

    assert of(image, struct.pack("<2H", 0x0FFF, 0x07FF)).tolist() == [[-1, 2047]]


def test_one_bit_pixels_are_unpacked():
    image = dataclasses.replace(GREY, rows=1, columns=9, bits_allocated=1, bits_stored=1)

    assert of(image, b"\x05\x01").tolist() == [[1, 0, 1, 0, 0, 0, 0, 0, 1]]


def test_float_pixels_stay_what_they_are():
    image = dataclasses.replace(GREY, rows=1, columns=1, bits_allocated=32, bits_stored=32, floating_point=True)

    assert of(image, struct.pack("<f", -1.5)).tolist() == [[-1.5]]


def test_planes_become_pixels():
    image = dataclasses.replace(
        GREY, rows=1, columns=2, samples_per_pixel=3, planar_configuration=1, photometric_interpretation="RGB"
    )

    assert of(image, b"rRgGbB").tolist() == [[[114, 103, 98], [82, 71, 66]]]


def test_big_endian_words_are_turned():
    image = dataclasses.replace(GREY, rows=1, columns=1, bits_allocated=16, bits_stored=16, word_swapped=True)

    assert of(image, b"\x01\x02", BIG).tolist() == [[258]]


def test_a_decoder_that_gives_another_shape_or_type_is_refused(monkeypatch):
    stream = imagecodecs.jpegls_encode(np.zeros((2, 3), np.uint8))
    colour = dataclasses.replace(GREY, samples_per_pixel=3, photometric_interpretation="RGB")

    with pytest.raises(InvalidInstance, match="a frame has another size than the header says"):
        of(colour, stream, "1.2.840.10008.1.2.4.80")
    monkeypatch.setattr(imagecodecs, "jpeg8_decode", lambda _: np.zeros((2, 3)))
    with pytest.raises(InvalidInstance, match="a frame has another type than the header says"):
        of(GREY, imagecodecs.jpeg8_encode(np.zeros((2, 3), np.uint8)), JPEG)


def test_ybr_becomes_rgb():
    image = dataclasses.replace(GREY, rows=1, columns=2, samples_per_pixel=3, photometric_interpretation="YBR_FULL")

    assert of(image, bytes([76, 85, 255, 255, 128, 128])).tolist() == [[[254, 0, 0], [255, 255, 255]]]


def coloured(pixel_data, photometric_interpretation, **values):
    """Return a file of 16 by 24 coloured pixels, encapsulated unless it is native."""
    ds = pydicom.dcmread(BytesIO(pydicom_file("SC_rgb_rle.dcm")))
    ds.Rows, ds.Columns, ds.PhotometricInterpretation = 16, 24, photometric_interpretation
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    is_native = not pixel_data.startswith(b"\xff\xd8")
    ds.file_meta.TransferSyntaxUID = EXPLICIT if is_native else JPEG
    ds.PixelData = pixel_data if is_native else encapsulate([pixel_data + b"\0" * (len(pixel_data) % 2)])
    ds["PixelData"].is_undefined_length = not is_native
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


COLOURS = np.ascontiguousarray(np.indices((16, 24)).transpose(1, 2, 0)[..., [0, 1, 1]] * [9, 7, 3], np.uint8)


@pytest.mark.filterwarnings("ignore:The .0028,0004.")
@pytest.mark.parametrize("stated", ["RGB", "YBR_FULL_422", "YBR_FULL"])
@pytest.mark.parametrize("coded", ["RGB", "YCBCR"])
def test_a_jpeg_that_says_what_its_colours_are_is_believed(coded, stated):
    data = coloured(imagecodecs.jpeg8_encode(COLOURS, colorspace="RGB", outcolorspace=coded), stated)
    found = read_instance(data)

    array = of(found.pixels.image, frame(found, 0), JPEG)

    assert np.abs(array.astype(int) - COLOURS).max() < 60
    assert np.array_equal(array, pixel_array(pydicom.dcmread(BytesIO(data))))


@pytest.mark.parametrize("frames", [1, 2])
def test_whole_triplets_that_call_themselves_half_are_shown_as_they_are(frames):
    half = read_instance(coloured(COLOURS.tobytes() * frames, "YBR_FULL_422", NumberOfFrames=frames))
    whole = read_instance(coloured(COLOURS.tobytes() * frames, "YBR_FULL", NumberOfFrames=frames))
    header = dataclasses.replace(half.pixels.image, photometric_interpretation="YBR_FULL_422")

    for index in range(frames):
        expected = of(whole.pixels.image, frame(whole, index))
        assert np.array_equal(of(half.pixels.image, frame(half, index)), expected)
        # As a worker has it, which sees no more than the header and the frame.
        assert np.array_equal(of(header, frame(half, index)), expected)


@pytest.mark.parametrize(
    ("changes", "stored", "transfer_syntax", "reason"),
    [
        ({"rows": 65535, "columns": 65535}, b"", EXPLICIT, "a frame is larger than 536870912 bytes"),
        ({}, b"12345", EXPLICIT, "a frame is cut short"),
        ({"bits_allocated": 24}, b"1" * 18, EXPLICIT, "24 bits allocated cannot be shown"),
        ({"samples_per_pixel": 3, "photometric_interpretation": "YBR_FULL", "bits_allocated": 16}, b"1" * 36,
         EXPLICIT, "YBR pixels of more than eight bits cannot be shown"),
        ({"word_swapped": True, "rows": 1}, b"123", BIG, "swapped frames of odd length cannot be divided"),
        ({}, b"123", "1.2.840.10008.1.2.4.100", "frames of this Transfer Syntax cannot be decoded"),
        ({}, b"\xff\xd8\xff", JPEG, "a frame has another size than the header says"),
        ({}, imagecodecs.jpeg8_encode(np.zeros((3, 3), np.uint8)), JPEG,
         "a frame has another size than the header says"),
        ({}, imagecodecs.jpeg8_encode(np.zeros((2, 3), np.uint8))[:-60], J2K, "a frame cannot be decoded"),
        ({}, imagecodecs.jpeg8_encode(np.zeros((2, 3, 3), np.uint8)), "1.2.840.10008.1.2.4.50",
         "a frame has another size than the header says"),
        ({}, bytes(64), RLE, "the RLE header counts other segments"),
        ({}, b"", RLE, "a frame cannot be decoded"),
        ({"bits_allocated": 1}, bytes(64), RLE, "RLE frames have whole bytes"),
        ({}, struct.pack("<16L", 1, 64, *[0] * 14) + b"\x00", RLE, "a frame cannot be decoded"),
    ],
)  # fmt: skip
def test_what_cannot_be_decoded_is_refused(changes, stored, transfer_syntax, reason):
    with pytest.raises(InvalidInstance) as caught:
        of(dataclasses.replace(GREY, **changes), stored, transfer_syntax)

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (imagecodecs.jpeg8_encode(np.zeros((5, 7), np.uint8)), (5, 7)),
        (imagecodecs.jpegls_encode(np.zeros((5, 7), np.uint8)), (5, 7)),
        (imagecodecs.ljpeg_encode(np.zeros((6, 8), np.uint16)), (6, 8)),
        (imagecodecs.jpeg2k_encode(np.zeros((5, 7), np.uint8), codecformat="J2K"), (5, 7)),
        (imagecodecs.jpeg2k_encode(np.zeros((5, 7), np.uint8), codecformat="JP2"), (5, 7)),
        (imagecodecs.htj2k_encode(np.zeros((64, 70), np.uint8)), (64, 70)),
        (b"\xff\xd8\xff\xff\x01\xff\xc0\0\x11\x08\0\x05\0\x07\x03", (5, 7)),
        (b"\xff\xd8", None),
        (b"\xff\xd8\xff\xe0\0\x02nothing more", None),
        (b"\xff\x4f\xff\x51\0", None),
        (b"something else", None),
    ],
)  # fmt: skip
def test_a_code_stream_says_its_size(stream, size):
    assert code_stream.size(stream) == size
