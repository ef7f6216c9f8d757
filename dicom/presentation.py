"""What the header says about showing a frame: rescale, window, palette, polarity.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.11.2.html
"""

from dataclasses import dataclass

from dicom.data_set import DataSet
from dicom.look_up import Palette, Table, lut, palette, pixel_value
from dicom.part10 import Instance, Part10
from dicom.values import decimals, text

SHARED_FUNCTIONAL_GROUPS = 0x52009229
PER_FRAME_FUNCTIONAL_GROUPS = 0x52009230
PIXEL_VALUE_TRANSFORMATION = 0x00289145
FRAME_VOI_LUT = 0x00289132
MODALITY_LUT, VOI_LUT = 0x00283000, 0x00283010


@dataclass(frozen=True, slots=True)
class Window:
    """A range of interest, in the units after the modality's rescale."""

    center: float
    width: float
    function: str = "LINEAR"
    """LINEAR, LINEAR_EXACT or SIGMOID."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """How one frame is to be shown; small, and may be sent to another process."""

    slope: float
    intercept: float
    window: Window | None
    inverse: bool
    """MONOCHROME1: the lowest value is white."""
    padding: tuple[int, int] | None
    """The first and the last of the stored values that are no pixels."""
    palette: Palette | None
    modality: Table | None = None
    """Instead of slope and intercept."""
    interest: Table | None = None
    """The VOI LUT: goes before the header's window."""


def presentation(instance: Instance | Part10, index: int = 0) -> Presentation:
    """Return how the header wants frame `index` (from 0) shown.

    Raises:
        InvalidInstance: The image has a palette that cannot be read.
    """
    file = instance if isinstance(instance, Part10) else instance.file
    transformation = _group(file, index, PIXEL_VALUE_TRANSFORMATION)
    interest = _group(file, index, FRAME_VOI_LUT)
    kind = text(file.data, file.data_set, 0x00280004)
    return Presentation(
        slope=_first(file, transformation, 0x00281053, 1.0) or 1.0,
        intercept=_first(file, transformation, 0x00281052, 0.0),
        window=_window(file, interest),
        inverse=kind == "MONOCHROME1",
        padding=_padding(file),
        palette=palette(file) if kind == "PALETTE COLOR" else None,
        modality=lut(file, transformation, MODALITY_LUT),
        interest=lut(file, interest, VOI_LUT),
    )


def _padding(file: Part10) -> tuple[int, int] | None:
    """Return the ends of what is no pixel (PS3.3 C.7.5.1.1.2)."""
    value, limit = pixel_value(file, 0x00280120), pixel_value(file, 0x00280121)
    if value is None:
        return None
    other = value if limit is None else limit
    return min(value, other), max(value, other)


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
