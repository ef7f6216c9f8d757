"""Small data sets that messages carry: an identifier read, and an answer written.

https://dicom.nema.org/medical/dicom/current/output/chtml/part05/chapter_7.html
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dicom.data_set import EXPLICIT_LITTLE, IMPLICIT_LITTLE, LONG_LENGTH_VRS, DataSet, Scanner
from dicom.element import element, item_head, padding
from dicom.element import items as items_of
from dicom.failures import InvalidInstance
from dicom.text_encoding import UTF_8, encode
from dicom.transfer_syntaxes import IMPLICIT_VR_LITTLE_ENDIAN
from dicom.values import (
    CHARACTER_SET_VRS,
    NUMBER_FORMATS,
    SPECIFIC_CHARACTER_SET,
    character_set,
    text,
    whole_number,
)


@dataclass(frozen=True, slots=True)
class Small:
    """A data set in memory."""

    data: bytes
    elements: DataSet
    codecs: tuple[str, ...]

    def text(self, tag: int, items: DataSet | None = None) -> str:
        """Return a value as text, backslashes kept; empty when it is absent or no text."""
        return text(self.data, self.elements if items is None else items, tag, self.codecs)

    def key(self, tag: int) -> str:
        """Return a value as a search has it: text, or a binary number in digits; empty when it is a sequence."""
        element = self.elements.get(tag)
        if element is None or element.vr not in NUMBER_FORMATS:
            return self.text(tag)
        found = whole_number(self.data, self.elements, tag)
        return "" if found is None else str(found)

    def items(self, tag: int) -> Sequence[DataSet]:
        """Return the items of a sequence."""
        element = self.elements.get(tag)
        return (element.items or ()) if element is not None else ()


def read(data: bytes, transfer_syntax: str) -> Small:
    """Return what a data set says.

    Args:
        data: The data set.
        transfer_syntax: Implicit or Explicit VR Little Endian.

    Raises:
        InvalidInstance: it is none, or exceeds a limit.
    """
    encoding = IMPLICIT_LITTLE if transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN else EXPLICIT_LITTLE
    try:
        elements, _ = Scanner(data).data_set(0, len(data), encoding)
    except (ValueError, struct.error, RecursionError) as error:
        raise InvalidInstance("the bytes are no data set") from error
    return Small(data, elements, character_set(data, elements))


def write(model: Mapping[int, tuple[str, Sequence[Any]]], transfer_syntax: str, asked: str = "") -> bytes:
    r"""Return a data set whose texts are in the character set that was asked for, or else in UTF-8.

    Args:
        model: VR and values by tag; of a sequence, the values are models.
        transfer_syntax: Implicit or Explicit VR Little Endian.
        asked: The Specific Character Set that is wanted: `\ISO 2022 IR 87`; empty for none.
    """
    implicit = transfer_syntax == IMPLICIT_VR_LITTLE_ENDIAN
    for terms in dict.fromkeys((asked.strip() or "ISO_IR 6", UTF_8)):
        stated = {} if terms == "ISO_IR 6" else {SPECIFIC_CHARACTER_SET: ("CS", [terms])}
        found = _written({**model, **stated}, terms, implicit=implicit)
        if found is not None:
            return found
    raise ValueError("a text has characters that no character set has")


def _written(model: Mapping[int, tuple[str, Sequence[Any]]], terms: str, *, implicit: bool) -> bytes | None:
    parts: list[bytes] = []
    for tag in sorted(model):
        vr, values = model[tag]
        value = _value(vr, values, terms, implicit=implicit)
        if value is None:
            return None
        parts.append(_element(tag, vr, value, implicit=implicit))
    return b"".join(parts)


def _element(tag: int, vr: str, value: bytes, *, implicit: bool) -> bytes:
    if implicit:
        # An element without a VR is written as an item is.
        return item_head(len(value), tag) + value
    return element(tag, vr, value if vr in LONG_LENGTH_VRS else value[:65_534])


def _value(vr: str, values: Sequence[Any], terms: str, *, implicit: bool) -> bytes | None:
    if vr == "SQ":
        items = [_written(one, terms, implicit=implicit) for one in values]
        whole = [one for one in items if one is not None]
        if len(whole) != len(items):
            return None
        return items_of(whole)
    if vr == "US":
        return struct.pack(f"<{len(values)}H", *(int(one) & 0xFFFF for one in values))
    joined = "\\".join(_name(one) if isinstance(one, Mapping) else str(one) for one in values)
    found = encode(joined, terms) if vr in CHARACTER_SET_VRS else joined.encode("ascii", "replace")
    if found is None:
        return None
    return found + padding(vr, len(found))


def _name(groups: Mapping[str, str]) -> str:
    """Return a name of the DICOM JSON Model as one text (PS3.5 6.2.1.2)."""
    return "=".join(groups.get(one, "") for one in ("Alphabetic", "Ideographic", "Phonetic")).rstrip("=")
