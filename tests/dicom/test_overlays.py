"""Overlay planes over a frame, compared with what pydicom reads of them."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from dicom.overlays import Overlay, overlays
from dicom.part10 import read_instance
from dicom.tasks import picture
from tests.app.imaging.images import CT, FILES

OVERLAY = (FILES / "test_files/examples_overlay.dcm").read_bytes()


def written(ds: Dataset) -> bytes:
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def a_ct(*, rows: int = 2, columns: int = 3, origin: tuple[int, int] = (1, 1), **values: object) -> Dataset:
    """Return a CT with a plane whose first row is white."""
    ds = pydicom.dcmread(FILES / CT)
    bits = np.zeros((rows, columns), np.uint8)
    bits[0] = 1
    ds.add_new(0x60000010, "US", rows)
    ds.add_new(0x60000011, "US", columns)
    ds.add_new(0x60000040, "CS", "G")
    ds.add_new(0x60000050, "SS", list(origin))
    ds.add_new(0x60000100, "US", 1)
    ds.add_new(0x60000102, "US", 0)
    packed = np.packbits(bits, bitorder="little").tobytes()
    ds.add_new(0x60003000, "OW", packed + b"\0" * (len(packed) % 2))
    for tag, value in values.items():
        ds[int(tag[1:], 16)].value = value
    return ds


def drawn(data: bytes, index: int = 0) -> np.ndarray:
    """Return where the planes change a picture, as a hub renders it."""
    instance = read_instance(data)
    assert instance.pixels is not None
    head = data[: instance.pixels.element.offset]
    syntax = instance.file.transfer_syntax.uid
    size = instance.pixels.element.length
    stored = data[instance.pixels.element.offset :][:size]
    asked = {"media_type": "image/png"}
    pictures = [picture(head, syntax, stored, index, asked | {"annotation": kinds}) for kinds in ((), ("overlay",))]
    without, with_them = (np.asarray(Image.open(BytesIO(one))) for one in pictures)
    assert (with_them[without != with_them] == 255).all()
    return without != with_them


def test_a_plane_is_drawn_where_pydicom_has_it() -> None:
    ds = pydicom.dcmread(BytesIO(OVERLAY))
    expected = ds.overlay_array(0x6000).astype(bool)

    found = drawn(OVERLAY)

    assert expected.sum() > 100
    assert not (found & ~expected).any()
    # What is white anyway does not change.
    assert found.sum() > expected.sum() * 0.9


@pytest.mark.parametrize(
    ("origin", "row", "columns"),
    [((1, 1), 0, [0, 1, 2]), ((5, 11), 4, [10, 11, 12]), ((1, -1), 0, [0]), ((1, 128), 0, [127])],
    ids=["at the corner", "within", "partly to the left", "partly to the right"],
)
def test_a_plane_lies_where_its_origin_says(origin: tuple[int, int], row: int, columns: list[int]) -> None:
    found = np.argwhere(drawn(written(a_ct(origin=origin))))

    assert found.tolist() == [[row, column] for column in columns]


def test_a_plane_in_unused_bits_of_the_frame_is_drawn() -> None:
    ds = pydicom.dcmread(FILES / CT)
    values = np.frombuffer(ds.PixelData, "<u2").reshape(128, 128) & 0x0FFF
    marked = values.copy()
    marked[3, 4] |= 1 << 12
    ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = marked.tobytes(), 12, 11, 0
    for tag, vr, value in ((0x10, "US", 128), (0x11, "US", 128), (0x100, "US", 16), (0x102, "US", 12)):
        ds.add_new(0x60000000 | tag, vr, value)
    ds.add_new(0x60000050, "SS", [1, 1])

    assert np.argwhere(drawn(written(ds))).tolist() == [[3, 4]]


def test_a_plane_of_several_frames_belongs_to_those_it_names() -> None:
    ds = a_ct(rows=1, columns=4)
    ds.add_new(0x60000015, "IS", 2)
    ds.add_new(0x60000051, "US", 2)
    ds[0x60003000].value = bytes([0b0010_0001, 0])
    file = read_instance(written(ds)).file

    found = [overlays(file, index) for index in range(4)]

    assert found == [(), (Overlay(0, 0, 1, 4, b"\x21", 0),), (Overlay(0, 0, 1, 4, b"\x21", 4),), ()]


@pytest.mark.parametrize("values", [{"x60000010": 0}, {"x60000010": 60000}, {"x60003000": b""}])
def test_a_plane_that_cannot_be_is_none(values: dict[str, object]) -> None:
    assert overlays(read_instance(written(a_ct(**values))).file) == ()
