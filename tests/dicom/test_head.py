"""The beginning of a file says its header: the same as the whole file does."""

import random
import warnings
from collections import Counter
from io import BytesIO

import orjson
import pydicom
import pytest
from pydicom.dataset import Dataset

from dicom.failures import InvalidInstance
from dicom.head import MOST_BYTES, MOST_TRIES, Head, TooLong, Whole
from dicom.json_model import render
from dicom.part10 import read_instance
from tests.app.imaging.images import (
    BIG_ENDIAN,
    CT,
    DEFLATED,
    J2K,
    MR,
    MULTI_FRAME,
    REPORT,
    RLE,
    TRUNCATED,
    a_file,
)


def _taken(data: bytes, piece: int) -> tuple[Head, int]:
    """Return what takes a file in pieces, and how many bytes it wanted."""
    head = Head()
    for start in range(0, len(data), piece):
        try:
            head.write(memoryview(data)[start : start + piece])
        except Whole:
            return head, start + piece
    return head, len(data)


@pytest.mark.parametrize("piece", [7, 1000, 1 << 20])
@pytest.mark.parametrize("name", [CT, MR, J2K, RLE, MULTI_FRAME, BIG_ENDIAN, DEFLATED, REPORT])
def test_the_header_is_that_of_the_whole_file(name: str, piece: int) -> None:
    data = a_file(name)
    whole = orjson.loads(render(read_instance(data)))

    head, taken = _taken(data, piece)

    model = head.model()
    # What follows the pixels is not waited for.
    assert model == {tag: one for tag, one in whole.items() if tag in model}
    assert set(whole) - set(model) <= {"FFFCFFFC"}
    if piece == 7 and name not in (DEFLATED, REPORT):
        assert taken < len(data)


def test_a_picture_in_a_sequence_is_no_end() -> None:
    icon = Dataset()
    icon.Rows = icon.Columns = 16
    icon.BitsAllocated = icon.BitsStored = 8
    icon.PixelData = b"\xe0\x7f\x10\x00" * 8 + bytes(224)
    data = a_file(CT, IconImageSequence=[icon])

    head, _ = _taken(data, 100)

    assert head.model()["00880200"]["Value"][0]["00280010"]["Value"] == [16]
    assert head.model()["00280010"]["Value"] == [128]


def test_a_header_that_looks_like_pixels_again_and_again_is_not_read_for_ever() -> None:
    data = a_file(CT, PixelData=bytes(128 * 128 * 2))
    start = data.index(b"\x10\x00\x10\x00")

    with pytest.raises(TooLong):
        _taken(data[:start] + b"\xe0\x7f\x10\x00OB\0\0\1\0\0\0" * (MOST_TRIES + 1), 1000)


def test_an_endless_header_is_not_read_for_ever() -> None:
    head, taken = Head(), 0
    with pytest.raises(TooLong):
        while True:
            head.write(bytes(1 << 20))
            taken += 1 << 20
    assert taken <= MOST_BYTES + (1 << 20)


def test_damaged_beginnings_are_refused_or_read() -> None:
    data, chance = a_file(CT), random.Random(7)
    outcomes = Counter[str]()
    for _ in range(300):
        damaged = bytearray(data[: chance.randrange(len(data))])
        for _ in range(3):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        head, _ = _taken(bytes(damaged), 5000)
        try:
            head.model()
        except InvalidInstance:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1

    assert set(outcomes) == {"refused", "read"}


def test_a_file_that_is_cut_short_in_its_pixels_still_says_its_header() -> None:
    head, _ = _taken(a_file(TRUNCATED), 500)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(a_file(TRUNCATED)), stop_before_pixels=True)
    assert head.instance().sop_instance_uid == ds.SOPInstanceUID
