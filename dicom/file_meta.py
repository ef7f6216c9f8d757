"""Preamble and File Meta Information of a file that the hub writes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html#sect_7.1
"""

import struct

from dicom.data_set import EXPLICIT_LITTLE
from dicom.failures import InvalidInstance

IMPLEMENTATION_CLASS_UID = "2.25.80302813137786398554742050926734630921"
IMPLEMENTATION_VERSION_NAME = "RENKEI"


def file_meta(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """Return what stands before the data set of a Part 10 file.

    Args:
        sop_class_uid: Of the object.
        sop_instance_uid: Of the object.
        transfer_syntax_uid: How the data set is written.
    """
    elements = (
        (0x0001, b"OB", b"\0\1"),
        (0x0002, b"UI", sop_class_uid.encode()),
        (0x0003, b"UI", sop_instance_uid.encode()),
        (0x0010, b"UI", transfer_syntax_uid.encode()),
        (0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
        (0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode()),
    )
    group = b""
    for number, vr, value in elements:
        padded = value + (b"" if len(value) % 2 == 0 else b" " if vr == b"SH" else b"\0")
        length = struct.pack("<HL", 0, len(padded)) if vr == b"OB" else struct.pack("<H", len(padded))
        group += struct.pack("<HH", 2, number) + vr + length + padded
    return bytes(128) + b"DICM" + struct.pack("<HH2sHL", 2, 0, b"UL", 4, len(group)) + group


def data_set_start(head: bytes) -> int:
    """Return where the data set of a Part 10 file starts.

    Args:
        head: Its first bytes, at least all of its File Meta Information.

    Raises:
        InvalidInstance: it does not end within them.
    """
    position = 132
    while head[position : position + 2] == b"\2\0":
        tag_vr_length = head[position : position + 8]
        if len(tag_vr_length) < 8:
            break
        if tag_vr_length[4:6] in (b"OB", b"UN", b"UT", b"SQ"):
            length = EXPLICIT_LITTLE.length.unpack(head[position + 8 : position + 12].ljust(4, b"\xff"))[0]
            position += 12 + length
        else:
            position += 8 + int.from_bytes(tag_vr_length[6:8], "little")
    if head[128:132] != b"DICM" or position + 2 > len(head) or head[position : position + 2] == b"\2\0":
        raise InvalidInstance("the File Meta Information does not end")
    return position
