"""Elements in Explicit VR Little Endian, taken over from a file that is written in any way.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_7.1.2.html
"""

import struct
from collections.abc import Iterable

from dicom.data_set import DataSet, Element
from dicom.part10 import Part10
from dicom.values import NUMBER_FORMATS, raw

_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_ZERO_PADDED = frozenset({"UI", "OB", "UN"})


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Return a data element, its value padded to an even length."""
    if len(value) % 2:
        value += b"\0" if vr in _ZERO_PADDED else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr in _LONG:
        return head + struct.pack("<HL", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def number(tag: int, vr: str, value: int) -> bytes:
    """Return a data element with one binary whole number: US or UL."""
    return element(tag, vr, struct.pack("<" + NUMBER_FORMATS[vr][0], value))


def sequence(tag: int, items: Iterable[bytes]) -> bytes:
    """Return a sequence of items, each given as its elements."""
    return element(tag, "SQ", b"".join(struct.pack("<HHL", 0xFFFE, 0xE000, len(one)) + one for one in items))


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
    return element(found.tag, vr, raw(file.data, found)[: 0xFFFE if vr not in _LONG else None])


def _item(file: Part10, item: DataSet) -> bytes:
    return b"".join(taken_over(file, item[tag]) for tag in sorted(item))
