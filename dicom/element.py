"""Data elements and items as they are written in Explicit VR Little Endian; `dicom.data_set` reads them.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_7.1.2.html
"""

from collections.abc import Iterable
from struct import Struct

from dicom.data_set import BULK_VRS, EXPLICIT_LITTLE, ITEM, LONG_LENGTH_VRS

_LONG_HEAD = Struct("<HH2sHL")
_NUL_PADDED = BULK_VRS | {"UI"}


def head(tag: int, vr: str, length: int) -> bytes:
    """Return what stands before a value of so many bytes.

    Raises:
        struct.error: the VR has no room for such a length.
    """
    if vr in LONG_LENGTH_VRS:
        return _LONG_HEAD.pack(tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
    return EXPLICIT_LITTLE.tag_vr_length.pack(tag >> 16, tag & 0xFFFF, vr.encode(), length)


def padding(vr: str, length: int) -> bytes:
    """Return what makes a value of so many bytes an even one (PS3.5 6.2)."""
    if length % 2 == 0:
        return b""
    return b"\0" if vr in _NUL_PADDED else b" "


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Return a data element, its value padded to an even length.

    Raises:
        struct.error: the VR has no room for the value.
    """
    padded = value + padding(vr, len(value))
    return head(tag, vr, len(padded)) + padded


def item_head(length: int, tag: int = ITEM) -> bytes:
    """Return what stands before an item of so many bytes; a delimiter is an item of no bytes by another tag."""
    return EXPLICIT_LITTLE.tag_length.pack(tag >> 16, tag & 0xFFFF, length)


def items(contents: Iterable[bytes]) -> bytes:
    """Return the value of a sequence whose items are given as their elements."""
    return b"".join(item_head(len(one)) + one for one in contents)
