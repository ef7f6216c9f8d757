from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image

from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.part10 import read_instance
from dicom.tasks import before_pixels, frame_in_explicit_little_endian, in_transfer_syntax, picture
from tests.dicom.making import PYDICOM

FILES = ["CT_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "JPEG2000.dcm", "examples_ybr_color.dcm"]


def _parts(name):
    """The bytes before the pixels, the syntax, and the first frame as it is stored."""
    instance = read_instance((PYDICOM / "test_files" / name).read_bytes())
    head = bytes(instance.file.data[: instance.pixels.element.offset])
    return head, instance.file.transfer_syntax.uid, frame(instance, 0), instance


@pytest.mark.parametrize("name", FILES)
def test_the_bytes_before_the_pixels_tell_of_the_image_what_the_file_tells(name):
    head, syntax, _, instance = _parts(name)

    file, image = before_pixels(head, syntax)

    assert image == instance.pixels.image
    assert file.data_set == {tag: one for tag, one in instance.file.data_set.items() if tag < 0x7FE00000}


@pytest.mark.parametrize("name", FILES[:4])
def test_a_frame_is_decoded_without_the_rest_of_its_file(name):
    head, syntax, stored, _ = _parts(name)

    found = frame_in_explicit_little_endian(head, syntax, stored)

    expected = pydicom.dcmread(PYDICOM / "test_files" / name).pixel_array
    assert np.array_equal(np.frombuffer(found, expected.dtype.newbyteorder("<")).reshape(expected.shape), expected)


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_made_without_the_rest_of_its_file(name):
    head, syntax, stored, instance = _parts(name)

    found = picture(head, syntax, stored, 0, {"media_type": "image/png"})

    assert Image.open(BytesIO(found)).size == (instance.pixels.image.columns, instance.pixels.image.rows)


def test_a_file_is_rewritten():
    found = in_transfer_syntax((PYDICOM / "test_files/MR_small_RLE.dcm").read_bytes(), "1.2.840.10008.1.2.1")

    assert pydicom.dcmread(BytesIO(found)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_bytes_that_end_too_soon_are_refused():
    with pytest.raises(InvalidInstance):
        before_pixels(b"short", "1.2.840.10008.1.2.1")
