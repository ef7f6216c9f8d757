"""Whatever arrives, it is read or refused; nothing else happens."""

import random
import warnings

import pytest

from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.indexing import indexed
from dicom.json_model import render
from dicom.part10 import read_instance
from dicom.pixel_array import decode_frame
from dicom.presentation import presentation
from dicom.transcoding import to_explicit_little_endian
from tests.dicom.making import pydicom_file

NAMES = [
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "examples_palette.dcm",
    "chrH32.dcm",
    "test-SR.dcm",
    "rtdose_rle.dcm",
    "image_dfl.dcm",
]
INTERESTING = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\xfe\xff\xff\xff",
    b"SQ",
    b"UN",
    b"\\",
    b"\x1b$B",
    b"\xfe\xff\x00\xe0",
]


def damaged(data, source):
    """Some bytes of the header changed, cut out or put in."""
    changed = bytearray(data)
    for _ in range(source.randrange(1, 5)):
        position = source.randrange(132, min(len(changed), 12_000))
        what = source.choice(INTERESTING) if source.random() < 0.5 else source.randbytes(source.randrange(1, 5))
        end = position + source.choice([0, len(what), source.randrange(16)])
        changed[position:end] = what
    return bytes(changed)


def use(data):
    """Do with an instance all that is done without a worker process."""
    found = read_instance(data)
    indexed(found)
    render(found)
    presentation(found)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        to_explicit_little_endian(found)
    if found.pixels is not None:
        decode_frame(found.pixels.image, found.file.transfer_syntax, frame(found, len(found.pixels.frames) - 1))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_file_is_read_or_refused(name, seed):
    source = random.Random(f"{name} {seed}")
    whole = pydicom_file(name)
    refusals = []

    for _ in range(40):
        try:
            use(damaged(whole, source))
        except InvalidInstance as error:
            refusals.append(error.reason)

    assert 0 < len(refusals) <= 40
    assert all(refusals)
