"""A Part 10 file out of a DICOM JSON Model and the bulk data that was sent beside it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html (8.7.3 for what bulk data is written in)
"""

import binascii
import struct
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dicom.data_set import (
    BULK_VRS,
    LONG_LENGTH_VRS,
    MAX_DEPTH,
    PIXEL_DATA,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
)
from dicom.element import head, item_head, padding
from dicom.failures import CANNOT_UNDERSTAND, PROCESSING_FAILURE, InvalidInstance
from dicom.file_meta import file_meta
from dicom.json_model import GROUPS, Json
from dicom.transfer_syntaxes import (
    EXPLICIT_VR_LITTLE_ENDIAN,
    HTJ2K_LOSSLESS,
    IMPLICIT_VR_LITTLE_ENDIAN,
    JPEG_2000_LOSSLESS,
    JPEG_LOSSLESS,
    JPEG_LS_LOSSLESS,
    RLE_LOSSLESS,
    TRANSFER_SYNTAXES,
)
from dicom.values import NUMBER_FORMATS, is_uid

Bytes = bytes | memoryview

_TEXT = frozenset(
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"]
)
_DEFAULTS = {
    "image/jpeg": JPEG_LOSSLESS,
    "image/dicom-rle": RLE_LOSSLESS,
    "image/jls": JPEG_LS_LOSSLESS,
    "image/jp2": JPEG_2000_LOSSLESS,
    "image/jpx": "1.2.840.10008.1.2.4.92",
    "image/jphc": HTJ2K_LOSSLESS,
}
"""What a media type without a transfer syntax is (PS3.18 table 8.7.3-5)."""
_CHARACTER_SET = 0x00080005
_MOST_BYTES = 2**32 - 2


@dataclass(frozen=True, slots=True)
class Bulk:
    """One part of bulk data; of compressed pixels, one frame."""

    data: Bytes
    media_type: str
    transfer_syntax: str = ""
    """As its Content-Type names it, or empty."""


Find = Callable[[str], Sequence[Bulk]]
"""Returns the parts that a BulkDataURI means, or none."""


def uids(model: Json) -> tuple[str, str]:
    """Return SOP Class and Instance UID of a model; empty ones when they cannot be read."""
    found = [_first(model, tag) for tag in ("00080016", "00080018")]
    return (found[0] if is_uid(found[0]) else "", found[1] if is_uid(found[1]) else "")


def _first(model: Json, tag: str) -> str:
    element = model.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]) if isinstance(values, list) and values else ""


def assemble(model: Json, find: Find) -> Iterator[Bytes]:
    """Yield the pieces of a Part 10 file in Explicit VR Little Endian, or with the frames as they were compressed.

    The same model and the same bulk data give the same bytes. Text is written in UTF-8.

    Args:
        model: The data set.
        find: Finds the bulk data that it refers to.

    Raises:
        InvalidInstance: It has no UIDs, an element that cannot be written, or refers to what was not sent.
    """
    sop_class, instance = uids(model)
    if not sop_class or not instance:
        raise InvalidInstance("the metadata has no SOP Class UID or SOP Instance UID")
    frames = _compressed(model, find)
    syntax = frames[0] if frames else EXPLICIT_VR_LITTLE_ENDIAN
    pieces = _data_set(model, find, frames[1] if frames else (), depth=0)
    yield file_meta(sop_class, instance, syntax)
    yield from pieces


def _compressed(model: Json, find: Find) -> tuple[str, Sequence[Bulk]] | None:
    """Return the transfer syntax and the frames of compressed pixel data; None if it is native, or not there."""
    element = model.get(f"{PIXEL_DATA:08X}")
    parts = find(str(element["BulkDataURI"])) if isinstance(element, dict) and "BulkDataURI" in element else ()
    if not parts:
        return None
    stated = _first(model, "00020010")
    named = parts[0].transfer_syntax or _DEFAULTS.get(parts[0].media_type) or stated or EXPLICIT_VR_LITTLE_ENDIAN
    syntax = TRANSFER_SYNTAXES.get(named)
    if syntax is None or syntax.big_endian or syntax.deflated:
        raise InvalidInstance("the pixel data is in a Transfer Syntax that is not read", PROCESSING_FAILURE)
    if named in (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN):
        return None
    return named, parts


def _data_set(model: Json, find: Find, frames: Sequence[Bulk], depth: int) -> list[Bytes]:
    if depth > MAX_DEPTH or not isinstance(model, dict):
        raise InvalidInstance("the metadata is nested too deep, or an item is no object")
    pieces: list[Bytes] = []
    for tag, element in _sorted(model, depth):
        if tag == PIXEL_DATA and frames:
            pieces += _encapsulated(frames)
            continue
        vr = element["vr"]
        if vr == "SQ":
            value: list[Bytes] = []
            for item in _values(element):
                inner = _data_set(item, find, (), depth + 1)
                value += [_item(sum(map(len, inner))), *inner]
        else:
            value = _value(tag, vr, element, find)
        pieces += [_tag_vr_length(tag, vr, sum(map(len, value))), *value]
    return pieces


def _sorted(model: Json, depth: int) -> list[tuple[int, Json]]:
    """Return the elements to be written by their tags: no group lengths, no File Meta Information."""
    found: dict[int, Json] = {}
    for key, element in model.items():
        try:
            tag = int(key, 16) if len(key) == 8 else -1
        except ValueError:
            tag = -1
        if tag < 0 or not isinstance(element, dict) or not isinstance(element.get("vr"), str):
            raise InvalidInstance("the metadata has an element without a tag or a VR")
        if element["vr"] not in LONG_LENGTH_VRS | _TEXT | {"AT", *NUMBER_FORMATS}:
            raise InvalidInstance(f"the element {tag:08X} has an unknown VR")
        if tag >> 16 > 2 and tag & 0xFFFF:
            found[tag] = element
    if not depth:
        found[_CHARACTER_SET] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    else:
        found.pop(_CHARACTER_SET, None)
    return sorted(found.items())


def _values(element: Json) -> list[Any]:
    values = element.get("Value", [])
    if not isinstance(values, list):
        raise InvalidInstance("the metadata has a Value that is no array")
    return values


def _value(tag: int, vr: str, element: Json, find: Find) -> list[Bytes]:
    """Return the value of an element that is no sequence, of even length."""
    if "BulkDataURI" in element:
        value: list[Bytes] = [part.data for part in find(str(element["BulkDataURI"]))]
        if not value:
            raise InvalidInstance(f"the bulk data of {tag:08X} is not in the request")
    elif "InlineBinary" in element:
        try:
            value = [b64decode(str(element["InlineBinary"]), validate=True)]
        except (binascii.Error, ValueError) as error:
            raise InvalidInstance(f"the InlineBinary of {tag:08X} is no base64") from error
    else:
        value = [_written(tag, vr, _values(element))]
    pad = padding(vr, sum(map(len, value)))
    return [*value, pad] if pad else value


def _written(tag: int, vr: str, values: list[Any]) -> bytes:
    try:
        if vr in NUMBER_FORMATS:
            letter, _ = NUMBER_FORMATS[vr]
            convert = float if letter in "fd" else int
            return struct.pack(f"<{len(values)}{letter}", *(convert(one) for one in values))
        if vr == "AT":
            return b"".join(struct.pack("<HH", int(one, 16) >> 16, int(one, 16) & 0xFFFF) for one in values)
        if vr in BULK_VRS and values:
            raise InvalidInstance(f"the element {tag:08X} is binary, and has a Value")
        return "\\".join(_text(vr, one) for one in values).encode()
    except (struct.error, ValueError, TypeError, OverflowError) as error:
        raise InvalidInstance(f"the value of {tag:08X} cannot be written as {vr}") from error


def _text(vr: str, value: Any) -> str:
    if value is None:
        return ""
    if vr == "PN":
        groups = [str(value.get(group) or "") for group in GROUPS] if isinstance(value, dict) else [str(value)]
        return "=".join(groups).rstrip("=")
    if isinstance(value, (bool, dict | list)):
        raise ValueError(vr)
    if vr == "DS" and isinstance(value, float):
        # A decimal string has sixteen characters at most (PS3.5 6.2).
        digits = iter(range(16, 0, -1))
        text = repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        while len(text) > 16:
            text = f"{value:.{next(digits)}g}"
        return text
    return str(value)


def _tag_vr_length(tag: int, vr: str, length: int) -> bytes:
    if vr in LONG_LENGTH_VRS:
        if length > _MOST_BYTES:
            raise InvalidInstance(f"the element {tag:08X} is too long", PROCESSING_FAILURE)
    elif length > 0xFFFF:
        raise InvalidInstance(f"the value of {tag:08X} is too long for {vr}", CANNOT_UNDERSTAND)
    return head(tag, vr, length)


def _item(length: int) -> bytes:
    if length > _MOST_BYTES:
        raise InvalidInstance("an item is too long", PROCESSING_FAILURE)
    return item_head(length)


def _encapsulated(frames: Sequence[Bulk]) -> list[Bytes]:
    """Return the pixel data: an empty offset table, and a fragment for each frame (PS3.5 A.4)."""
    pieces: list[Bytes] = [head(PIXEL_DATA, "OB", UNDEFINED_LENGTH)]
    pieces.append(_item(0))
    for one in frames:
        pad = padding("OB", len(one.data))
        pieces += [_item(len(one.data) + len(pad)), one.data, pad]
    return [*pieces, item_head(0, SEQUENCE_DELIMITATION)]
