"""Bulk data by the path that the DICOM JSON Model gave it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.1.1.5.html
"""

import re
from collections.abc import Iterator

from dicom.data_set import BULK_VRS, PIXEL_DATA, DataSet, Element
from dicom.json_model import BULK_THRESHOLD_BYTES
from dicom.part10 import Part10, read_part10
from dicom.values import raw, turned

_TAG = re.compile(r"[0-9A-F]{8}")
_INDEX = re.compile(r"[0-9]{1,5}")


class NoBulkData(LookupError):
    """Nothing lies at the path."""


def find(file: Part10, path: str) -> Element:
    """Return the element at a path such as `00880200/0/7FE00010`: a tag, or item and tag again and again.

    Args:
        file: The instance.
        path: What follows `bulkdata/` in a BulkDataURI.

    Raises:
        NoBulkData: The path is malformed, or leads to nothing or to a sequence.
    """
    tag, *steps = path.split("/")
    if len(steps) % 2:
        raise NoBulkData(path)
    data_set = file.data_set
    for index, inner in zip(steps[::2], steps[1::2], strict=True):
        sequence = data_set.get(_tag(tag))
        if sequence is None or not _INDEX.fullmatch(index) or int(index) >= len(sequence.items or ()):
            raise NoBulkData(path)
        assert sequence.items is not None  # noqa: S101 - it has more items than the index
        data_set, tag = sequence.items[int(index)], inner
    element = data_set.get(_tag(tag))
    if element is None or element.items is not None:
        raise NoBulkData(path)
    return element


def value_at(data: bytes, path: str) -> bytes:
    """Return the value at a path in a Part 10 file, as `value` does.

    Raises:
        InvalidInstance: The file cannot be read.
        NoBulkData: The path is malformed, or leads to nothing or to a sequence.
    """
    file = read_part10(data)
    return value(file, find(file, path))


def everything(file: Part10) -> Iterator[tuple[str, Element]]:
    """Yield each value that the DICOM JSON Model gives as bulk data, with its path."""
    yield from _inside(file.data_set, "")


def _inside(data_set: DataSet, way: str) -> Iterator[tuple[str, Element]]:
    for tag, element in data_set.items():
        for number, item in enumerate(element.items or ()):
            yield from _inside(item, f"{way}{tag:08X}/{number}/")
        is_long = element.length > BULK_THRESHOLD_BYTES or tag == PIXEL_DATA
        if element.items is None and element.length and is_long and (element.vr in BULK_VRS or " or " in element.vr):
            yield f"{way}{tag:08X}", element


def value(file: Part10, element: Element) -> bytes:
    """Return a value as Explicit VR Little Endian writes it; of encapsulated pixels, the fragments joined."""
    if element.fragments is not None:
        # The first item is the Basic Offset Table, which describes an encoding that ends here.
        spans = element.fragments[1:]
        return b"".join(bytes(file.data[offset : offset + length]) for offset, length in spans)
    found = raw(file.data, element)
    return turned(element.vr, found) if file.transfer_syntax.big_endian else found


def _tag(text: str) -> int:
    if not _TAG.fullmatch(text):
        raise NoBulkData(text)
    return int(text, 16)
