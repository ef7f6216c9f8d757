"""Values of single elements: text, numbers, UIDs.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/sect_6.2.html
"""

import math
import re
from array import array
from struct import error as StructError  # noqa: N812 - the library's own name says nothing
from struct import unpack

from dicom.character_sets import DEFAULT, codecs_of, decode
from dicom.data_set import DataSet, Element

SPECIFIC_CHARACTER_SET = 0x00080005

NUMBER_FORMATS = {
    "US": ("H", 2),
    "SS": ("h", 2),
    "UL": ("L", 4),
    "SL": ("l", 4),
    "FL": ("f", 4),
    "FD": ("d", 8),
    "SV": ("q", 8),
    "UV": ("Q", 8),
}
"""Letter for `struct` and bytes of one value."""

_WORDS = {"OW": "H", "OF": "I", "OL": "I", "OD": "Q", "OV": "Q"}
"""Letter for `array` of the words of binary values."""

CHARACTER_SET_VRS = frozenset({"SH", "LO", "UC", "ST", "LT", "UT", "PN"})
"""The VRs that Specific Character Set governs."""

_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def is_uid(text: str) -> bool:
    """Whether `text` may name something: at most 64 characters, digits between dots (PS3.5 9.1).

    Leading zeros are let pass: archives are full of them.
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def raw(data: bytes | memoryview, element: Element) -> bytes:
    """Return the value's bytes as they stand in the data."""
    return bytes(data[element.offset : element.offset + element.length])


def turned(vr: str, value: bytes) -> bytes:
    """Return a value that is written in words with each of them turned; any other, and half words, as they are."""
    letter = _WORDS.get(vr)
    if letter is None:
        return value
    words = array(letter)
    if len(value) % words.itemsize:
        return value
    words.frombytes(value)
    words.byteswap()
    return words.tobytes()


def character_set(data: bytes | memoryview, data_set: DataSet, outer: tuple[str, ...] = (DEFAULT,)) -> tuple[str, ...]:
    """Return the codecs of a data set's text; an item without its own inherits (PS3.5 7.5.3)."""
    element = data_set.get(SPECIFIC_CHARACTER_SET)
    return outer if element is None else codecs_of(raw(data, element))


def text(data: bytes | memoryview, data_set: DataSet, tag: int, codecs: tuple[str, ...] = (DEFAULT,)) -> str:
    """Return a string element's value without padding, backslashes kept; empty when absent."""
    element = data_set.get(tag)
    if element is None or element.items is not None:
        return ""
    return decode(raw(data, element), codecs).strip(" \0")


def whole_number(data: bytes | memoryview, data_set: DataSet, tag: int, *, big_endian: bool = False) -> int | None:
    """Return the first value of an IS or binary integer element; None when absent, empty or no number."""
    element = data_set.get(tag)
    if element is None or not element.length:
        return None
    if element.vr == "IS":
        try:
            return int(raw(data, element).split(b"\\")[0].strip(b" \0"))
        except ValueError:
            return None
    letter, size = NUMBER_FORMATS.get("US" if element.vr == "US or SS" else element.vr, ("", 0))
    if not letter or letter in "fd" or element.length < size:
        return None
    order = ">" if big_endian else "<"
    return int(unpack(order + letter, data[element.offset : element.offset + size])[0])


def decimals(data: bytes | memoryview, data_set: DataSet, tag: int, *, big_endian: bool = False) -> tuple[float, ...]:
    """Return the finite values of a DS, FL or FD element; none when one of them is no number."""
    element = data_set.get(tag)
    if element is None or not element.length:
        return ()
    try:
        if element.vr in ("FL", "FD"):
            letter, size = NUMBER_FORMATS[element.vr]
            order = ">" if big_endian else "<"
            numbers = unpack(f"{order}{element.length // size}{letter}", raw(data, element))
        else:
            numbers = tuple(float(part) for part in raw(data, element).strip(b" \0").split(b"\\"))
    except (ValueError, StructError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()
