"""What the header says about showing a frame: rescale, window, palette, polarity.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.11.2.html
"""

from dataclasses import dataclass
from typing import Literal

from dicom.data_set import DataSet
from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.part10 import Instance, Part10
from dicom.values import decimals, raw, text, whole_number

SHARED_FUNCTIONAL_GROUPS = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS = 0x52009230
PIXEL_VALUE_TRANSFORMATION = 0x00289145
FRAME_VOI_LUT = 0x00289132
_PALETTE = ((0x00281101, 0x00281201), (0x00281102, 0x00281202), (0x00281103, 0x00281203))
"""Descriptor and data of red, green, blue."""


@dataclass(frozen=True, slots=True)
class Window:
    """A range of interest, in the units after the modality's rescale."""

    center: float
    width: float
    function: str = "LINEAR"
    """LINEAR, LINEAR_EXACT or SIGMOID."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One colour's table."""

    first: int
    """The stored value that takes the first entry."""
    bits: int
    """Of an entry: 8 or 16."""
    entries: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Presentation:
    """How one frame is to be shown; small, and may be sent to another process."""

    slope: float
    intercept: float
    window: Window | None
    inverse: bool
    """MONOCHROME1: the lowest value is white."""
    padding: int | None
    """The stored value that is no pixel."""
    palette: tuple[Palette, Palette, Palette] | None


def presentation(instance: Instance | Part10, index: int = 0) -> Presentation:
    """Return how the header wants frame `index` (from 0) shown.

    Raises:
        InvalidInstance: The image has a palette that cannot be read.
    """
    file = instance if isinstance(instance, Part10) else instance.file
    transformation = _group(file, index, PIXEL_VALUE_TRANSFORMATION)
    kind = text(file.data, file.data_set, 0x00280004)
    big_endian = file.transfer_syntax.big_endian
    return Presentation(
        slope=_first(file, transformation, 0x00281053, 1.0) or 1.0,
        intercept=_first(file, transformation, 0x00281052, 0.0),
        window=_window(file, _group(file, index, FRAME_VOI_LUT)),
        inverse=kind == "MONOCHROME1",
        padding=whole_number(file.data, file.data_set, 0x00280120, big_endian=big_endian),
        palette=_palette(file) if kind == "PALETTE COLOR" else None,
    )


def _group(file: Part10, index: int, sequence: int) -> DataSet:
    """Return the frame's functional group, the shared one, or the data set itself (PS3.3 C.7.6.16)."""
    for tag, place in ((PER_FRAME_FUNCTIONAL_GROUPS, index), (SHARED_FUNCTIONAL_GROUPS, 0)):
        outer = file.data_set.get(tag)
        if outer is None or not outer.items or place >= len(outer.items):
            continue
        inner = outer.items[place].get(sequence)
        if inner is not None and inner.items:
            return inner.items[0]
    return file.data_set


def _first(file: Part10, data_set: DataSet, tag: int, default: float) -> float:
    numbers = decimals(file.data, data_set, tag, big_endian=file.transfer_syntax.big_endian)
    return numbers[0] if numbers else default


def _window(file: Part10, data_set: DataSet) -> Window | None:
    center = decimals(file.data, data_set, 0x00281050)
    width = decimals(file.data, data_set, 0x00281051)
    if not center or not width or width[0] <= 0:
        return None
    return Window(center[0], width[0], text(file.data, data_set, 0x00281056) or "LINEAR")


def _palette(file: Part10) -> tuple[Palette, Palette, Palette]:
    red, green, blue = (_table(file, descriptor, data) for descriptor, data in _PALETTE)
    return red, green, blue


def _table(file: Part10, descriptor: int, data: int) -> Palette:
    """Return one colour's table (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""
    order: Literal["big", "little"] = "big" if file.transfer_syntax.big_endian else "little"
    described, element = file.data_set.get(descriptor), file.data_set.get(data)
    if described is None or described.length != 6 or element is None or not element.length:
        raise InvalidInstance("the palette is missing or segmented", PROCESSING_FAILURE)
    three = raw(file.data, described)
    count, first, bits = (int.from_bytes(three[n : n + 2], order) for n in (0, 2, 4))
    count = count or 65536
    if first > 32767 and described.vr == "SS":
        first -= 65536
    value = raw(file.data, element)
    if len(value) >= count * 2:
        entries = tuple(int.from_bytes(value[n : n + 2], order) for n in range(0, count * 2, 2))
        # Some writers put eight-bit entries into words and say 16, or the reverse.
        bits = 16 if max(entries) > 255 else bits
    elif len(value) >= count:
        entries, bits = tuple(value[:count]), 8
    else:
        raise InvalidInstance("the palette is cut short", PROCESSING_FAILURE)
    return Palette(first, bits, entries)
