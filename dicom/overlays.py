"""Overlay planes: a bit for each pixel, drawn over a frame; in elements of their own, or in its unused bits.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.9.2.html; unused bits: PS3.3-2003, C.9.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dicom.image_pixel import ImagePixel
from dicom.part10 import Part10
from dicom.transfer_syntaxes import TransferSyntax
from dicom.values import NUMBER_FORMATS, raw, whole_number

GROUPS = range(0x6000, 0x6020, 2)
MOST_EDGE = 65_535
WHITE = 255

Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Overlay:
    """A plane over one frame; small, and may be sent to another process."""

    top: int
    """Row of the frame, from 0, on which its first row lies; may be less."""
    left: int
    rows: int
    columns: int
    bits: bytes = b""
    """Eight pixels a byte, the first in the lowest bit; empty when they are in the frame itself."""
    first: int = 0
    """Where in `bits` the first pixel is."""
    position: int = 0
    """Which bit of each stored value it is, when it is in the frame itself."""


def overlays(file: Part10, index: int = 0) -> tuple[Overlay, ...]:
    """Return the planes over frame `index` (from 0); what cannot be read is none."""
    found = (_overlay(file, group << 16, index) for group in GROUPS)
    return tuple(one for one in found if one is not None)


def _overlay(file: Part10, group: int, index: int) -> Overlay | None:
    numbers = {
        name: whole_number(file.data, file.data_set, group | name, big_endian=file.transfer_syntax.big_endian) or 0
        for name in (0x10, 0x11, 0x15, 0x51, 0x100, 0x102)
    }
    rows, columns, frames = numbers[0x10], numbers[0x11], numbers[0x15]
    if not (0 < rows <= MOST_EDGE and 0 < columns <= MOST_EDGE):
        return None
    top, left = _origin(file, group)
    element = file.data_set.get(group | 0x3000)
    if element is None:
        in_frame = 0 < numbers[0x102] < numbers[0x100] == 16
        return Overlay(top, left, rows, columns, position=numbers[0x102]) if in_frame else None
    # A plane of several frames begins at a frame of the image; one of none belongs to all (C.9.3.1).
    number = index - max(0, numbers[0x51] - 1) if frames > 1 else 0
    first = number * rows * columns
    if number < 0 or number >= max(1, frames) or element.length * 8 < first + rows * columns:
        return None
    bits = raw(file.data, element)
    if element.vr == "OW" and file.transfer_syntax.big_endian:
        bits = np.frombuffer(bits[: len(bits) // 2 * 2], ">u2").astype("<u2").tobytes()
    return Overlay(top, left, rows, columns, bits[first // 8 : (first + rows * columns + 7) // 8], first % 8)


def _origin(file: Part10, group: int) -> tuple[int, int]:
    """Return Overlay Origin, counted from 0."""
    element = file.data_set.get(group | 0x50)
    if element is None or element.length < 4:
        return 0, 0
    letter, size = NUMBER_FORMATS["SS"]
    order = ">" if file.transfer_syntax.big_endian else "<"
    row, column = np.frombuffer(raw(file.data, element)[: 2 * size], f"{order}{letter}")
    return int(row) - 1, int(column) - 1


def draw(
    shown: Array, planes: Sequence[Overlay], image: ImagePixel, transfer_syntax: TransferSyntax, stored: bytes
) -> Array:
    """Return a picture with the planes in white.

    Args:
        shown: Grey of (rows, columns) or RGB of (rows, columns, 3).
        planes: What `overlays` returned.
        image: The numbers of the Image Pixel module.
        transfer_syntax: How `stored` is written.
        stored: The frame, for planes in its unused bits; in a compressed one there are none.
    """
    shown = shown.copy()
    for one in planes:
        mask = _mask(one) if one.bits else _in_frame(one, image, transfer_syntax, stored)
        top, left = max(0, one.top), max(0, one.left)
        bottom, right = min(one.top + one.rows, shown.shape[0]), min(one.left + one.columns, shown.shape[1])
        if mask is not None and top < bottom and left < right:
            part = mask[top - one.top : bottom - one.top, left - one.left : right - one.left]
            shown[top:bottom, left:right][part] = WHITE
    return shown


def _mask(plane: Overlay) -> npt.NDArray[np.bool_]:
    count = plane.rows * plane.columns
    bits = np.unpackbits(np.frombuffer(plane.bits, np.uint8), count=plane.first + count, bitorder="little")
    return bits[plane.first :].reshape(plane.rows, plane.columns).astype(np.bool_)


def _in_frame(
    plane: Overlay, image: ImagePixel, transfer_syntax: TransferSyntax, stored: bytes
) -> npt.NDArray[np.bool_] | None:
    is_whole = (plane.rows, plane.columns) == (image.rows, image.columns) and image.samples_per_pixel == 1
    if transfer_syntax.encapsulated or image.bits_allocated != 16 or not is_whole:
        return None
    order = ">" if transfer_syntax.big_endian else "<"
    values = np.frombuffer(stored, f"{order}u2", count=image.rows * image.columns)
    return (values.reshape(image.rows, image.columns) >> plane.position & 1).astype(np.bool_)
