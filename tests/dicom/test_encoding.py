"""Instances in transfer syntaxes that the hub makes of others, read back by pydicom."""

import warnings
from io import BytesIO

import numpy as np
import pydicom
import pytest

from dicom.failures import InvalidInstance
from dicom.part10 import read_instance
from dicom.transcoding import to_transfer_syntax
from dicom.transfer_syntaxes import COMPRESSED, JPEG_BASELINE, MADE, RLE_LOSSLESS
from tests.app.imaging.images import BIG_ENDIAN, CT, DEFLATED, J2K, MULTI_FRAME, REPORT, RLE, RLE_2_FRAMES, a_file

LOSSLESS = [uid for uid in MADE if uid != JPEG_BASELINE]


def made(name: str, target: str) -> pydicom.Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(BytesIO(to_transfer_syntax(read_instance(a_file(name)), target)))


def decoded(data: bytes) -> np.ndarray:
    """Return the frames as the hub's own decoders give them, without what tells colour spaces apart."""
    explicit = to_transfer_syntax(read_instance(data), "1.2.840.10008.1.2.1")
    return pydicom.dcmread(BytesIO(explicit)).pixel_array


@pytest.mark.parametrize("target", LOSSLESS)
@pytest.mark.parametrize("name", [CT, J2K, RLE, RLE_2_FRAMES, BIG_ENDIAN])
def test_pixels_survive_every_lossless_syntax(name: str, target: str) -> None:
    made_of_it = to_transfer_syntax(read_instance(a_file(name)), target)

    assert read_instance(made_of_it).file.transfer_syntax.uid == target
    assert np.array_equal(decoded(made_of_it), decoded(a_file(name)))
    header = pydicom.dcmread(BytesIO(made_of_it), stop_before_pixels=True)
    sent = pydicom.dcmread(BytesIO(a_file(name)), stop_before_pixels=True)
    assert header.PatientName == sent.PatientName
    assert "LossyImageCompression" not in header or header.LossyImageCompression == sent.LossyImageCompression


def test_pydicom_reads_the_rle_that_is_made() -> None:
    for name in (CT, RLE_2_FRAMES):
        sent = pydicom.dcmread(BytesIO(a_file(name)))
        assert np.array_equal(made(name, RLE_LOSSLESS).pixel_array, sent.pixel_array)


def test_colour_as_baseline_is_lossy_and_says_so() -> None:
    ds = made(MULTI_FRAME, JPEG_BASELINE)

    assert (ds.PhotometricInterpretation, ds.LossyImageCompression) == ("YBR_FULL_422", "01")
    assert ds.LossyImageCompressionRatio > 1
    out = BytesIO()
    ds.save_as(out)
    difference = decoded(out.getvalue()).astype(int) - decoded(a_file(MULTI_FRAME)).astype(int)
    assert np.abs(difference).mean() < 4


def test_what_a_syntax_cannot_hold_is_refused() -> None:
    with pytest.raises(InvalidInstance, match="pixels of 16 bits"):
        to_transfer_syntax(read_instance(a_file(CT)), JPEG_BASELINE)


@pytest.mark.parametrize("target", COMPRESSED)
def test_what_has_no_pixels_is_given_uncompressed(target: str) -> None:
    assert made(REPORT, target).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_a_deflated_file_is_inflated_on_the_way() -> None:
    assert made(DEFLATED, RLE_LOSSLESS).file_meta.TransferSyntaxUID == RLE_LOSSLESS
