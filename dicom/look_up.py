"""Look-up tables of a header: of palettes, of a modality, of a range of interest.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.9.html and sect_C.11.html#sect_C.11.1.1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dicom.data_set import DataSet, Element
from dicom.failures import PROCESSING_FAILURE, InvalidInstance
from dicom.part10 import Part10
from dicom.values import raw, whole_number

_PALETTE = ((0x00281101, 0x00281201, 0x00281221), (0x00281102, 0x00281202, 0x00281222),
            (0x00281103, 0x00281203, 0x00281223))  # fmt: skip
"""Descriptor, data and segmented data of red, green, blue."""
_LUT_DESCRIPTOR, _LUT_DATA = 0x00283002, 0x00283006
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2
"""What the first number of a segment says (PS3.3 C.7.9.2)."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what is below its first value takes the first entry, what is beyond its end the last one."""

    first: int
    """The value that takes the first entry."""
    bits: int
    """Of an entry: 8 to 16."""
    entries: tuple[int, ...]


Palette = tuple[Table, Table, Table]


def is_signed(file: Part10) -> bool:
    """Return whether pixels, and what is compared with them, are two's complement."""
    return whole_number(file.data, file.data_set, 0x00280103, big_endian=file.transfer_syntax.big_endian) == 1


def pixel_value(file: Part10, tag: int) -> int | None:
    """Return a value of US or SS as a pixel that is stored; None when there is none."""
    found = whole_number(file.data, file.data_set, tag, big_endian=file.transfer_syntax.big_endian)
    if found is not None and found > 32767 and is_signed(file):
        return found - 65536
    return found


def palette(file: Part10) -> Palette:
    """Return the tables of a palette.

    Raises:
        InvalidInstance: one is missing or cannot be read.
    """
    tables = [_of_colour(file, *tags) for tags in _PALETTE]
    if max(max(one.entries) for one in tables) <= 255:
        # Some writers put eight-bit entries into words and say 16.
        tables = [Table(one.first, 8, one.entries) for one in tables]
    red, green, blue = tables
    return red, green, blue


def lut(file: Part10, data_set: DataSet, sequence: int) -> Table | None:
    """Return the first table of a sequence of them; None when there is none that can be read."""
    outer = data_set.get(sequence)
    if outer is None or not outer.items:
        return None
    described, data = (outer.items[0].get(tag) for tag in (_LUT_DESCRIPTOR, _LUT_DATA))
    try:
        return _table(file, described, data)
    except InvalidInstance:
        return None


def _of_colour(file: Part10, descriptor: int, data: int, segmented: int) -> Table:
    described, element = file.data_set.get(descriptor), file.data_set.get(data)
    in_segments = file.data_set.get(segmented)
    if element is None and in_segments is not None:
        return _segmented(file, described, in_segments)
    return _table(file, described, element)


def _order(file: Part10) -> Literal["big", "little"]:
    return "big" if file.transfer_syntax.big_endian else "little"


def _described(file: Part10, described: Element | None) -> tuple[int, int, int]:
    """Return how many entries there are, what takes the first one, and bits (PS3.3 C.7.6.3.1.5)."""
    if described is None or described.length != 6:
        raise InvalidInstance("a look-up table is missing or not described", PROCESSING_FAILURE)
    three = raw(file.data, described)
    count, first, bits = (int.from_bytes(three[n : n + 2], _order(file)) for n in (0, 2, 4))
    if first > 32767 and (described.vr == "SS" or (described.vr != "US" and is_signed(file))):
        first -= 65536
    return count or 65536, first, bits if 8 <= bits <= 16 else 16


def _table(file: Part10, described: Element | None, element: Element | None) -> Table:
    count, first, bits = _described(file, described)
    if element is None or not element.length:
        raise InvalidInstance("a look-up table is missing", PROCESSING_FAILURE)
    value = raw(file.data, element)
    if len(value) >= count * 2:
        entries = _words(value[: count * 2], _order(file))
        # Some writers put eight-bit entries into words, and some say 8 of sixteen bits.
        return Table(first, 16 if bits == 8 and max(entries) > 255 else bits, entries)
    if len(value) >= count:
        return Table(first, 8, tuple(value[:count]))
    raise InvalidInstance("a look-up table is cut short", PROCESSING_FAILURE)


def _words(value: bytes, order: Literal["big", "little"]) -> tuple[int, ...]:
    return tuple(int.from_bytes(value[n : n + 2], order) for n in range(0, len(value) - 1, 2))


def _segmented(file: Part10, described: Element | None, element: Element) -> Table:
    """Return a table whose entries are written down in segments (PS3.3 C.7.9.2)."""
    count, first, bits = _described(file, described)
    value = raw(file.data, element)
    words = tuple(value) if bits == 8 else _words(value, _order(file))
    entries: list[int] = []
    place = 0
    # What remains may be the padding.
    while place + 2 < len(words) and len(entries) < count:
        place = _add_segment(words, place, entries, bytes_each=1 if bits == 8 else 2)
    if len(entries) < count:
        raise InvalidInstance("a look-up table is cut short", PROCESSING_FAILURE)
    return Table(first, bits, tuple(entries[:count]))


def _add_segment(words: Sequence[int], place: int, entries: list[int], *, bytes_each: int) -> int:
    """Add the entries of the segment at a place, and return the place of the next one."""
    kind, length = words[place : place + 2]
    if kind == _DISCRETE:
        entries += words[place + 2 : place + 2 + length]
        return place + 2 + length
    if kind == _LINEAR and entries and length:
        begin, end = entries[-1], words[place + 2]
        entries += (round(begin + (end - begin) * n / length) for n in range(1, length + 1))
        return place + 3
    parts = 4 // bytes_each
    if kind != _INDIRECT or len(words) < place + 2 + parts:
        raise InvalidInstance("a segment of a look-up table is none", PROCESSING_FAILURE)
    offset = sum(word << (8 * bytes_each * n) for n, word in enumerate(words[place + 2 : place + 2 + parts]))
    inner = offset // bytes_each
    for _ in range(length):
        # A copy copies no copies.
        if inner + 2 >= len(words) or words[inner] == _INDIRECT or len(entries) > 65536:
            raise InvalidInstance("a segment of a look-up table is none", PROCESSING_FAILURE)
        inner = _add_segment(words, inner, entries, bytes_each=bytes_each)
    return place + 2 + parts
