"""Elements in Explicit VR Little Endian, taken over from a file that is written in any way.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_7.1.2.html
"""

import struct
from collections.abc import Iterable

from dicom.data_set import LONG_LENGTH_VRS, DataSet, Element
from dicom.element import element
from dicom.element import items as items_of
from dicom.part10 import Part10
from dicom.values import NUMBER_FORMATS, raw


def number(tag: int, vr: str, value: int) -> bytes:
    """Return a data element with one binary whole number: US or UL."""
    return element(tag, vr, struct.pack("<" + NUMBER_FORMATS[vr][0], value))


def sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Return a sequence of items, each given as its elements."""
    return element(tag, "SQ", items_of(items))


def taken_over(file: Part10, found: Element) -> bytes:
    """Return an element of a file as it is written here; what has no value of texts or numbers becomes empty."""
    if found.items is not None:
        return sequence(found.tag, (_item(file, one) for one in found.items))
    vr = "US" if found.vr == "US or SS" else found.vr
    if vr in NUMBER_FORMATS:
        letter, size = NUMBER_FORMATS[vr]
        count = found.length // size
        order = ">" if file.transfer_syntax.big_endian else "<"
        values = struct.unpack(f"{order}{count}{letter}", raw(file.data, found)[: count * size])
        return element(found.tag, vr, struct.pack(f"<{count}{letter}", *values))
    if len(vr) != 2 or vr in ("OB", "OD", "OF", "OL", "OV", "OW", "UN"):
        return element(found.tag, "UN" if len(vr) != 2 else vr, b"")
    return element(found.tag, vr, raw(file.data, found)[: 0xFFFE if vr not in LONG_LENGTH_VRS else None])


def _item(file: Part10, item: DataSet) -> bytes:
    return b"".join(taken_over(file, item[tag]) for tag in sorted(item))
