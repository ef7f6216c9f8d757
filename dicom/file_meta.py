"""Preamble and File Meta Information of a file that the hub writes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part10/chapter_7.html#sect_7.1
"""

from dicom.element import element
from dicom.failures import InvalidInstance
from dicom.part10 import meta_element_bytes

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
        (0x00020001, "OB", b"\0\1"),
        (0x00020002, "UI", sop_class_uid.encode()),
        (0x00020003, "UI", sop_instance_uid.encode()),
        (0x00020010, "UI", transfer_syntax_uid.encode()),
        (0x00020012, "UI", IMPLEMENTATION_CLASS_UID.encode()),
        (0x00020013, "SH", IMPLEMENTATION_VERSION_NAME.encode()),
    )
    group = b"".join(element(*one) for one in elements)
    return bytes(128) + b"DICM" + element(0x00020000, "UL", len(group).to_bytes(4, "little")) + group


def data_set_start(head: bytes) -> int:
    """Return where the data set of a Part 10 file starts.

    Args:
        head: Its first bytes, at least all of its File Meta Information.

    Raises:
        InvalidInstance: it does not end within them.
    """
    position = 132
    while head[position : position + 2] == b"\2\0":
        position += meta_element_bytes(head, position)
    if head[128:132] != b"DICM" or position + 2 > len(head):
        raise InvalidInstance("the File Meta Information does not end")
    return position
