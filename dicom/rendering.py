"""A frame as a picture: JPEG or PNG, windowed, coloured and scaled.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.3.5.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from dicom.annotation import write_lines
from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.image_pixel import ImagePixel
from dicom.look_up import Table
from dicom.overlays import Overlay, draw
from dicom.pixel_array import Array, decode_frame
from dicom.presentation import Presentation, Window
from dicom.transfer_syntaxes import TRANSFER_SYNTAXES

JPEG = "image/jpeg"
PNG = "image/png"
_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {JPEG: ("JPEG", {}), PNG: ("PNG", {"compress_level": 1})}


@dataclass(frozen=True, slots=True)
class Picture:
    """What is asked for."""

    media_type: str = JPEG
    window: Window | None = None
    """Instead of the header's."""
    max_edge: int | None = None
    """Pixels of the longer side at most: a thumbnail. Nothing is enlarged."""
    box: tuple[int, int] | None = None
    """Pixels across and down, into which it is to fit. Nothing is enlarged."""
    region: tuple[float, float, float, float] | None = None
    """What is cut out: left, top, width and height in pixels of the frame; a negative size turns it over."""
    part: tuple[float, float, float, float] | None = None
    """The same by left, top, right and bottom as fractions of the frame."""
    quality: int = 85
    """1 to 100, for JPEG."""
    annotation: tuple[str, ...] = ()
    """Of `patient` and `technique`, what is written into the picture; `overlay`: its overlay planes are drawn."""


def render_frame(
    image: ImagePixel,
    transfer_syntax_uid: str,
    stored: bytes,
    presentation: Presentation,
    picture: Picture,
    lines: Sequence[Sequence[str]] = (),
    planes: Sequence[Overlay] = (),
) -> bytes:
    """Return a frame as an encoded picture.

    All arguments can be pickled, so that this may run in a worker process.

    Args:
        image: The numbers of the Image Pixel module.
        transfer_syntax_uid: How `stored` is written.
        stored: What `stored_frame` returned.
        presentation: How the header wants it shown.
        picture: What is asked for.
        lines: What is written into the upper corners, left and right.
        planes: What is drawn over it, in white.

    Raises:
        InvalidInstance: The frame cannot be decoded or shown.
    """
    transfer_syntax = TRANSFER_SYNTAXES[transfer_syntax_uid]
    array = decode_frame(image, transfer_syntax, stored)
    # A header may name any slope and width; what overflows is clipped to black or white.
    with np.errstate(over="ignore", invalid="ignore"):
        pixels = _eight_bit(image, array, presentation, picture)
    shown = Image.fromarray(draw(pixels, planes, image, transfer_syntax, stored) if planes else pixels)
    if picture.part is not None:
        left, top, right, bottom = picture.part
        place = (left * shown.width, top * shown.height, (right - left) * shown.width, (bottom - top) * shown.height)
        shown = _cut_out(shown, place)
    if picture.region is not None:
        shown = _cut_out(shown, picture.region)
    box = picture.box or (picture.max_edge and (picture.max_edge, picture.max_edge))
    if box:
        shown.thumbnail(box, reducing_gap=2.0)
    if any(lines):
        write_lines(shown, lines)
    name, options = _FORMATS[picture.media_type]
    if picture.media_type == JPEG:
        options = {"quality": picture.quality}
    out = BytesIO()
    shown.save(out, name, **options)
    return out.getvalue()


def _cut_out(shown: Image.Image, region: tuple[float, float, float, float]) -> Image.Image:
    """Return a region of a picture, as far as it lies in it (PS3.18 8.3.5.1.3)."""
    left, top, width, height = region
    right, bottom = min(left + abs(width), shown.width), min(top + abs(height), shown.height)
    place = (round(max(0, left)), round(max(0, top)), round(right), round(bottom))
    if place[0] >= place[2] or place[1] >= place[3]:
        raise InvalidInstance("the region lies outside of the frame", PROCESSING_FAILURE)
    cut = shown.crop(place)
    if width < 0:
        cut = cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return cut.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if height < 0 else cut


def _eight_bit(image: ImagePixel, array: Array, presentation: Presentation, picture: Picture) -> Array:
    """Return grey of (rows, columns) or RGB of (rows, columns, 3)."""
    if presentation.palette is not None:
        if array.dtype.kind == "f" or array.ndim != 2:
            raise InvalidInstance("a palette needs whole numbers", PROCESSING_FAILURE)
        return _coloured(array, presentation)
    if array.ndim == 3:
        return np.ascontiguousarray(_narrowed(array, image.bits_stored)[..., :3])
    grey = _grey(array, presentation, picture.window)
    return 255 - grey if presentation.inverse else grey


def _narrowed(array: Array, bits: int) -> Array:
    if array.dtype == np.uint8:
        return array
    return (array >> max(0, bits - 8)).astype(np.uint8)


def _coloured(array: Array, presentation: Presentation) -> Array:
    assert presentation.palette is not None  # noqa: S101 - asked by the caller
    tables = presentation.palette
    return np.stack([_narrowed(_looked_up(array, one), one.bits).astype(np.uint8) for one in tables], axis=-1)


def _looked_up(values: Array, table: Table) -> Array:
    """Return the entries that values take."""
    entries = np.array(table.entries, np.uint16)
    return np.asarray(entries[np.clip(np.rint(values).astype(np.int64) - table.first, 0, len(entries) - 1)])


def _grey(array: Array, presentation: Presentation, window: Window | None) -> Array:
    """Return the frame through the modality's transformation and a window or table, 0 to 255."""
    if array.dtype.kind == "f":
        finite = np.nan_to_num(array.astype(np.float64), posinf=0, neginf=0)
        return _through(finite, array[np.isfinite(array)], presentation, window)
    low, high = int(array.min()), int(array.max())
    pixels = _without_padding(array, presentation)
    if high - low > 65535:
        return _through(array, pixels, presentation, window)
    # A table of at most 65536 values is cheaper than arithmetic on every pixel.
    table = _through(np.arange(low, high + 1), pixels, presentation, window)
    return table[array.astype(np.int64) - low]


def _without_padding(array: Array, presentation: Presentation) -> Array:
    if presentation.padding is None:
        return array
    first, last = presentation.padding
    pixels = array[(array < first) | (array > last)]
    return pixels if pixels.size else array


def _through(values: Array, pixels: Array, presentation: Presentation, window: Window | None) -> Array:
    """Return values from 0 to 255; `pixels` are those whose range is shown if nothing else is said."""
    units = _in_units(values, presentation)
    if window is None and presentation.interest is not None:
        table = presentation.interest
        shades = _looked_up(np.clip(units, -(2**31), 2**31), table) * (255 / (2**table.bits - 1))
        return np.asarray(np.rint(np.clip(shades, 0, 255)).astype(np.uint8))
    window = window or presentation.window
    if window is None:
        ends = np.array([pixels.min(), pixels.max()]) if pixels.size else np.zeros(2)
        low, high = sorted(map(float, _in_units(ends, presentation)))
        window = Window((low + high) / 2, max(high - low, 1.0), "LINEAR_EXACT")
    return _windowed(units, window)


def _in_units(values: Array, presentation: Presentation) -> Array:
    """Return stored values in the units of the modality (PS3.3 C.11.1)."""
    if presentation.modality is not None and values.dtype.kind != "f":
        return _looked_up(values, presentation.modality).astype(np.float64)
    return values.astype(np.float64) * presentation.slope + presentation.intercept


def _windowed(values: Array, window: Window) -> Array:
    """Return values from 0 to 255 (PS3.3 C.11.2.1.2.1, C.11.2.1.3)."""
    center, width = window.center, window.width
    if window.function == "SIGMOID":
        part = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    elif width == 1 and window.function != "LINEAR_EXACT":
        # A threshold: what is not above it is black.
        part = np.where(values > center - 0.5, 1.0, 0.0)
    elif window.function == "LINEAR_EXACT" or width < 1:
        part = (values - center) / width + 0.5
    else:
        part = (values - (center - 0.5)) / (width - 1) + 0.5
    return np.asarray(np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8))
